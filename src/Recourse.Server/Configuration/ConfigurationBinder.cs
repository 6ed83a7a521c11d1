using Recourse.Durable;

namespace Recourse.Server;

/// <summary>Makes the configuration out of checked values, and checks what concerns several of them.</summary>
internal sealed partial class ConfigurationBinder(List<ConfigurationError> errors, List<ConfigurationError> warnings)
{
    public RelayConfiguration Bind(GroupValues root)
    {
        var deadLetters = DeadLetters(root.Get<GroupValues?>("dead_letter_queue", null));
        var limits = Limits(root.Get<GroupValues?>("limits", null));
        var services = root.Get<List<NamedGroup>>("services", []);
        var queues = root.Get<List<NamedGroup>>("queues", []);
        if (queues.Count == 0)
            warnings.Add(new(root.Mark.File, root.Mark.Line, root.Mark.Column,
                "No queue is configured: nothing can be sent to this relay."));
        var listen = Listen(root);
        return new()
        {
            Listen = listen,
            Tls = ServerTls(root.Get<GroupValues?>("tls", null), listen, root),
            Store = Store(root),
            ShutdownGrace = root.Get("shutdown_grace", TimeSpan.FromSeconds(10)),
            Durability = Durability(root),
            KeepDelivered = root.Get("keep_delivered", TimeSpan.FromHours(1)),
            KeepDeliveredMax = root.Int("keep_delivered_max", 100_000),
            Services = services.ToDictionary(group => group.Name, Service),
            Queues = queues.ToDictionary(group => group.Name, group => Queue(group, root, services, deadLetters, limits)),
            DeadLetterQueue = deadLetters,
            Limits = limits,
            PayloadKeys = Encryption(root.Get<GroupValues?>("encryption", null)),
            Redact = Redact(root.Get<GroupValues?>("redact", null)),
            Insecure = root.Get("insecure", false),
            Audit = root.Get<GroupValues?>("audit", null) is { } audit
                ? new() { Keep = audit.Get("keep", TimeSpan.FromDays(365)), KeepMax = audit.Get("keep_max", 1_000_000L) } : new(),
            Telemetry = Telemetry(root.Get<GroupValues?>("telemetry", null)),
        };
    }

    private TelemetryConfiguration Telemetry(GroupValues? values)
    {
        if (values is null)
            return new();
        if (values.Lacks("otlp"))
            Error(values.Mark, "'telemetry' needs otlp: the address that traces and metrics are sent to.");
        if (!values.Get("traces", true) && !values.Get("metrics", true))
            Warn(values.At("metrics"), "'telemetry' sends nothing: traces and metrics are both false.");
        return new()
        {
            Otlp = values.Get<Uri?>("otlp", null),
            Grpc = values.Get("protocol", "http") == "grpc",
            Headers = values.Get<IReadOnlyDictionary<string, string>>("headers", new Dictionary<string, string>()),
            Traces = values.Get("traces", true),
            Metrics = values.Get("metrics", true),
            SamplePercent = values.Int("sample_percent", 100),
            Interval = values.Get("interval", TimeSpan.FromSeconds(60)),
            ServiceName = values.Get("service_name", "recourse"),
        };
    }

    private List<Uri> Listen(GroupValues root)
    {
        var found = new List<Uri>();
        foreach (var text in root.Get<List<PlacedText>>("listen", []))
        {
            var (address, problem) = ListenAddress.Parse(text.Text);
            if (address is null)
                Error(text.Mark, problem!);
            else
                found.Add(address);
        }
        return found.Count > 0 ? found : [new("http://127.0.0.1:8080")];
    }

    private string Store(GroupValues root)
    {
        var text = root.Get("store", "sqlite:recourse.db");
        var mark = root.At("store");
        if (text.StartsWith("sqlite:", StringComparison.Ordinal) && text.Length > 7)
            return "sqlite:" + Path.Combine(Path.GetDirectoryName(Path.GetFullPath(mark.File))!, text[7..]);
        if (text == "memory:")
            warnings.Add(new(mark.File, mark.Line, mark.Column,
                "store: memory: keeps nothing when the relay ends. Use it for trials only."));
        else if (!text.StartsWith("postgres://", StringComparison.Ordinal) && !text.StartsWith("postgresql://", StringComparison.Ordinal))
            Error(mark, $"'store' is sqlite:PATH, memory: or postgres://user@host:port/database; found {Shown(text)}.");
        return text;
    }

    private StoreDurability Durability(GroupValues root)
    {
        if (root.Get("durability", "full") == "full")
            return StoreDurability.Full;
        if (!root.Get("store", "sqlite:").StartsWith("sqlite:", StringComparison.Ordinal))
            Error(root.At("durability"), "'durability: os' is for store: sqlite:PATH. PostgreSQL decides it by synchronous_commit, which "
                + "the connection can set: ?options=-c%20synchronous_commit=off.");
        return StoreDurability.Os;
    }

    // A connection string may hold a password.
    private static string Shown(string text) => text.Contains('@', StringComparison.Ordinal) ? "something else" : text;

    private ServiceConfiguration Service(NamedGroup group)
    {
        var values = group.Values;
        foreach (var header in values.Get<List<PlacedText>>("allow_headers", []).Where(header => !HeaderRules.MayGoOn(header.Text)))
            Error(header.Mark, $"The header '{header.Text}' never goes on: it belongs to one connection, to the relay, or holds a secret "
                + "of the sender.");
        var headers = values.Get("headers", new Dictionary<string, string>());
        return new()
        {
            Policy = new()
            {
                Name = group.Name,
                FailureThreshold = values.Int("failure_threshold", 5),
                SuccessThreshold = values.Int("success_threshold", 2),
                ResetTimeout = values.Get("reset_timeout", TimeSpan.FromSeconds(30)),
                Timeout = values.Get("timeout", TimeSpan.FromSeconds(30)),
                MaxConcurrent = values.Int("max_concurrent", 10),
                Repeatable = values.Get("repeatable", true),
                Importance = values.Get("importance", "normal"),
            },
            Url = values.Get<Uri?>("url", null),
            Method = values.Get("method", "POST"),
            Headers = headers,
            Auth = Auth(values.Get<GroupValues?>("auth", null), headers),
            SignSecrets = Sign(values.Get<GroupValues?>("sign", null)),
            Tls = ClientTls(values.Get<GroupValues?>("tls", null)),
            SuccessStatuses = values.Get("success_statuses", new List<(int From, int To)> { (200, 299) }),
            AllowHeaders = [.. values.Get<List<PlacedText>>("allow_headers", []).Select(header => header.Text)],
        };
    }

    private QueueConfiguration Queue(NamedGroup group, GroupValues root, List<NamedGroup> services, DeadLetterConfiguration deadLetters,
        LimitsConfiguration limits)
    {
        var values = group.Values;
        var names = values.Get<List<PlacedText>>("deliver_to", []);
        if (values.Lacks("deliver_to"))
            Error(group.Mark, $"The queue '{group.Name}' has no usable deliver_to: it names the service, or the services, that get its "
                + "messages.");
        foreach (var name in names)
        {
            if (services.Find(service => service.Name == name.Text) is not { } service)
                Error(name.Mark, UnknownService(name.Text, services));
            else if (service.Values.Lacks("url"))
                Error(name.Mark, $"The service '{name.Text}' has no usable url, so nothing can be delivered to it. Its keys begin at "
                    + $"{service.Mark.File}:{service.Mark.Line}.");
        }
        if (values.Has("on_dead") && !values.Get("ordered", false))
            Error(values.At("on_dead"), "'on_dead' says what a dead letter means for the messages behind it; it needs ordered: true.");
        if (values.Get<long>("max_body", 0) > limits.MaxBatch)
            Error(values.At("max_body"), "'max_body' is larger than limits.max_batch, so no batch could hold such a message.");
        return new()
        {
            Name = group.Name,
            DeliverTo = [.. names.Select(name => name.Text)],
            Ordered = values.Get("ordered", false),
            Policy = Retry(values.Get<GroupValues?>("retry", null)) with
            {
                DeadLettersEnabled = deadLetters.Enabled,
                BlockLaneWhenDead = values.Get("on_dead", "block") == "block",
                KeepHistory = values.Get("history", root.Get("history", "on")) == "on",
            },
            IdempotencyWindow = values.Get("idempotency_window", TimeSpan.FromHours(24)),
            MaxBody = values.Maybe<long>("max_body"),
            Expires = values.Maybe<TimeSpan>("expires"),
            Priority = values.Int("priority", 4),
            KeepDelivered = values.Maybe<TimeSpan>("keep_delivered"),
            KeepDeliveredMax = (int?)values.Maybe<long>("keep_delivered_max"),
        };
    }

    private static string UnknownService(string name, List<NamedGroup> services)
    {
        var names = services.ConvertAll(service => service.Name);
        return Spelling.Nearest(name, names) is { } near ? $"No service is called '{name}'. Did you mean '{near}'?"
            : names.Count == 0 ? $"No service is called '{name}': the configuration has no services."
            : $"No service is called '{name}'. There are: {string.Join(", ", names.Take(10))}{(names.Count > 10 ? " …" : "")}.";
    }

    private DeliveryPolicy Retry(GroupValues? values)
    {
        if (values is null)
            return new();
        var initial = values.Get("initial_delay", TimeSpan.FromMilliseconds(200));
        var max = values.Get("max_delay", TimeSpan.FromSeconds(30));
        if (max < initial && values.Has("max_delay"))
            Error(values.At("max_delay"),
                $"The longest wait ({Measures.Duration(max)}) is shorter than the first one ({Measures.Duration(initial)}).");
        return new()
        {
            MaxAttempts = values.Int("max_attempts", 8),
            MaxAge = values.Get("max_age", TimeSpan.FromHours(24)),
            MaxUnknownAttempts = values.Int("max_unknown_attempts", 3),
            DeadLetterAfterAttempts = (int?)values.Maybe<long>("dead_letter_after_attempts"),
            MaxRetryAfter = values.Get("max_retry_after", TimeSpan.FromHours(1)),
            Backoff = new()
            {
                Shape = values.Get("backoff", "exponential"),
                Initial = initial,
                Max = max < initial ? initial : max,
                Jitter = values.Get("jitter", "full"),
            },
        };
    }

    private static DeadLetterConfiguration DeadLetters(GroupValues? values) => values is null ? new() : new()
    {
        Enabled = values.Get("enabled", true),
        MaxRetries = values.Int("max_retries", 0),
        RetryDelay = values.Get("retry_delay", TimeSpan.FromSeconds(300)),
        MaxSize = (int?)values.Maybe<long>("max_size"),
        Retention = values.Maybe<TimeSpan>("retention"),
        Archive = values.Get<string?>("archive", null) is { } archive
            ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(values.At("archive").File))!, archive) : null,
        VisibilityTimeout = values.Get("visibility_timeout", TimeSpan.FromMinutes(15)),
        BatchSize = values.Int("batch_size", 500),
    };

    private static LimitsConfiguration Limits(GroupValues? values) => values is null ? new() : new()
    {
        MaxBody = values.Get<long>("max_body", 1 << 20),
        MaxBatch = values.Get<long>("max_batch", 64 << 20),
        MaxBatchLines = values.Int("max_batch_lines", 100_000),
        MaxConnections = values.Int("max_connections", 10_000),
    };

    private void Warn(Mark mark, string message) => warnings.Add(new(mark.File, mark.Line, mark.Column, message));

    private void Error(Mark mark, string message) => errors.Add(new(mark.File, mark.Line, mark.Column, message));
}
