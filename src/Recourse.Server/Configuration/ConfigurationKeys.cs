using static Recourse.Server.ConfigurationKey;

namespace Recourse.Server;

/// <summary>All keys of a configuration.</summary>
internal static class ConfigurationKeys
{
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private static readonly ConfigurationKey Timeout =
        Time("timeout", Millisecond, Hour, "How long one attempt may take. Default 30s.");
    private static readonly ConfigurationKey ResetTimeout =
        Time("reset_timeout", Millisecond, Day, "How long the breaker stays open before a probe. Default 30s.");
    private static readonly ConfigurationKey InitialDelay =
        Time("initial_delay", Millisecond, Day, "The wait before the first retry. Default 200ms.");
    private static readonly ConfigurationKey MaxDelay =
        Time("max_delay", Millisecond, 7 * Day, "The longest wait between two attempts. Default 30s.");

    private static readonly ConfigurationKey History = OneOf("history", ["on", "off"],
        "off: a delivered message leaves its totals only, a failing one its last attempt. Default on.");
    private static readonly ConfigurationKey KeepDelivered =
        Time("keep_delivered", TimeSpan.Zero, 365 * Day, "How long delivered messages can still be looked at. Default 1h.");
    private static readonly ConfigurationKey KeepDeliveredMax =
        Whole("keep_delivered_max", 0, 10_000_000, "How many of them at most, in each queue. Default 100000.");

    private static readonly KeyGroup Auth = new("auth",
    [
        new("bearer", KeyKind.Text, "A token, sent as Authorization: Bearer. Best ${NAME} or ${file:path}.") { Secret = true },
        new("user", KeyKind.Text, "A name, sent with password as Authorization: Basic.") { Secret = true },
        new("password", KeyKind.Text, "The password of user. Best ${NAME} or ${file:path}.") { Secret = true },
        new("header", KeyKind.Text, "A header, such as X-Api-Key, that carries value."),
        new("value", KeyKind.Text, "The value of header. Best ${NAME} or ${file:path}.") { Secret = true },
        new("token_url", KeyKind.HttpUrl, "Where access tokens are asked for, by OAuth 2.0 client credentials."),
        new("client_id", KeyKind.Text, "Who the relay is to token_url.") { Secret = true },
        new("client_secret", KeyKind.Text, "The secret of client_id. Best ${NAME} or ${file:path}.") { Secret = true },
        new("scope", KeyKind.Text, "What the token shall allow, names with spaces between. Default: left to token_url."),
        new("audience", KeyKind.Text, "For whom the token is, where token_url asks for that. Default: not sent."),
        OneOf("client_auth", ["basic", "form"], "How client_id and client_secret are sent to token_url. Default basic."),
    ]);

    private static readonly KeyGroup Sign = new("sign",
    [
        new("secret", KeyKind.TextList, "The secret shared with the service, whsec_ and base64, or a text of 16 bytes or more; several "
            + "while it changes.") { Secret = true, EntriesMax = 8 },
    ]);

    private static readonly KeyGroup ClientTls = new("tls",
    [
        new("ca_file", KeyKind.Text, "The authorities that count for this service instead of the machine's."),
        new("certificate", KeyKind.Text, "The certificate that the relay shows."),
        new("key", KeyKind.Text, "Its private key. Default: in the same file."),
    ]);

    private static readonly KeyGroup ServerTls = new("tls",
    [
        new("certificate", KeyKind.Text, "The certificate of https listeners, a PEM file; read again when it changes."),
        new("key", KeyKind.Text, "Its private key. Default: in the same file."),
    ]);

    private static readonly KeyGroup Service = new("service",
    [
        new("url", KeyKind.HttpUrl, "Where deliveries are sent."),
        OneOf("method", ["POST", "PUT", "PATCH"], "The HTTP method of a delivery. Default POST."),
        new("headers", KeyKind.HeaderMap, "Headers that every delivery carries."),
        new("success_statuses", KeyKind.StatusList, "Status codes that mean delivered: 204, or 200-299. Default 200-299."),
        new("allow_headers", KeyKind.TextList, "Headers of the sender that go on to the service."),
        new("repeatable", KeyKind.Boolean,
            "false: a delivery whose effect may have happened becomes a dead letter instead of being repeated. Default true."),
        OneOf("importance", ["low", "normal", "high", "critical"], "How much the service matters. Default normal."),
        Whole("failure_threshold", 1, 100_000, "Faults in a row that open the breaker. Default 5."),
        Whole("success_threshold", 1, 1_000, "Good probes that close it again. Default 2."),
        Timeout, Timeout.InMilliseconds(),
        ResetTimeout, ResetTimeout.InMilliseconds(),
        Whole("max_concurrent", 1, 10_000, "Attempts under way at once. Default 10."),
        NotYet("rate_limit", "limits on the rate of deliveries"),
        NotYet("fallback_to", "another service that takes over"),
        new("auth", KeyKind.Group,
            "How the relay shows the service who it is: bearer, user and password, header and value, or token_url, client_id and "
            + "client_secret.")
        {
            Group = Auth,
            Secret = true,
        },
        new("sign", KeyKind.Group, "Signs deliveries as Standard Webhooks has it.") { Group = Sign, Secret = true },
        new("tls", KeyKind.Group, "Own certificate authorities, and a certificate of the relay's own; PEM files.") { Group = ClientTls },
        NotYet("budget", "error budgets"),
        NotYet("error_budget", "error budgets"),
        NotYet("failure_rate", "breakers by failure rate"),
        NotYet("slow_call_duration", "breakers by slow calls"),
    ]);

    private static readonly KeyGroup Retry = new("retry",
    [
        Whole("max_attempts", 1, 100_000, "Attempts for faults that speak against the message, the first included. Default 8."),
        Whole("max_retries", 0, 99_999, "max_attempts less one: the attempts after the first.") with { SameAs = "max_attempts", Shift = 1 },
        Time("max_age", Second, 3_650 * Day, "How long faults that speak against the service are retried. Default 24h."),
        OneOf("backoff", ["constant", "linear", "exponential", "fibonacci", "decorrelated"], "How the waits grow. Default exponential."),
        InitialDelay, InitialDelay.InMilliseconds(),
        MaxDelay, MaxDelay.InMilliseconds(),
        OneOf("jitter", ["none", "full", "equal", "proportional"], "How the waits are spread. Default full."),
        Whole("dead_letter_after_attempts", 1, 100_000, "Dead after this many attempts, whoever is to blame. Default: by blame."),
        Whole("max_unknown_attempts", 1, 100_000, "Attempts for faults about which nothing is known. Default 3."),
        Time("max_retry_after", TimeSpan.Zero, 30 * Day, "The longest Retry-After that is followed. Default 1h."),
        NotYet("retry_on", "kinds of faults to retry by name"),
        NotYet("multiplier", "another base of exponential backoff than 2"),
        NotYet("by_kind", "attempts by kind of fault"),
    ]);

    private static readonly KeyGroup Queue = new("queue",
    [
        new("deliver_to", KeyKind.NameList, "The service, or the list of services, that get every message."),
        new("ordered", KeyKind.Boolean, "true: messages with the same Recourse-Key are sent one after the other. Default false."),
        OneOf("on_dead", ["block", "skip"], "Whether a dead letter holds the messages behind it in its lane. Default block."),
        new("retry", KeyKind.Group, "How failed deliveries are tried again.") { Group = Retry },
        Time("idempotency_window", Second, 365 * Day, "How long an Idempotency-Key is remembered. Default 24h."),
        new("max_body", KeyKind.Size, "The largest body. Default: limits.max_body.") { Min = 1, Max = 256 << 20 },
        Time("expires", Second, 3_650 * Day, "After this long no attempt begins; Recourse-Expires overrides it. Default: never."),
        Whole("priority", 0, 9, "Of what is due for a service, the larger goes first; Recourse-Priority overrides it. Default 4."),
        History with { About = "Whether this queue keeps attempts and delivered messages. Default: the top level's." },
        KeepDelivered with { About = "How long delivered messages of this queue can still be looked at. Default: the top level's." },
        KeepDeliveredMax with { About = "How many of them at most. Default: the top level's." },
        NotYet("rate_limit", "limits on the rate of intake"),
        NotYet("compensate_with", "sagas that undo"),
    ]);

    private static readonly KeyGroup DeadLetters = new("dead_letter_queue",
    [
        new("enabled", KeyKind.Boolean, "false keeps failing deliveries waiting instead. Default true."),
        Whole("max_retries", 0, 1_000, "How often a dead letter is replayed by itself, unless its fault is permanent. Default 0."),
        Time("retry_delay", Second, 30 * Day, "How long it waits before that; a bare number is seconds. Default 300."),
        Whole("max_size", 1, int.MaxValue, "At this many dead letters, queues that feed them answer 429. Default: no bound."),
        Time("retention", TimeSpan.FromMinutes(1), 3_650 * Day, "Dead letters older than this are discarded. Default: kept."),
        Time("retention_days", Day, 3_650 * Day, "The same in days.") with { SameAs = "retention", Bare = Day },
        Whole("batch_size", 1, 500, "The most dead letters in one commit of a bulk replay. Default 500."),
        new("archive", KeyKind.Text, "A folder that gets dead letters, as NDJSON by day, before their retention discards them."),
        Time("visibility_timeout", Second, 7 * Day, "How long a person keeps a dead letter that they take in hand. Default 15m."),
    ]);

    private static readonly KeyGroup Limits = new("limits",
    [
        new("max_body", KeyKind.Size, "The largest body of a message. Default 1MiB.") { Min = 1, Max = 256 << 20 },
        new("max_batch", KeyKind.Size, "The largest body of a batch. Default 64MiB.") { Min = 1, Max = 1 << 30 },
        Whole("max_batch_lines", 1, 1_000_000, "The most lines in a batch. Default 100000."),
        Whole("max_connections", 1, 1_000_000, "The most connections at once. Default 10000."),
    ]);

    private static readonly KeyGroup EncryptionKey = new("key",
    [
        new("key", KeyKind.Text, "32 bytes in base64, best ${NAME} or ${file:path}. Make one with: openssl rand -base64 32.")
        {
            Secret = true,
        },
    ]);

    private static readonly KeyGroup Encryption = new("encryption",
    [
        new("active", KeyKind.Text, "The key that seals; the others only open what was sealed before. Default: the first."),
        new("keys", KeyKind.GroupMap, "The keys, by their ids. An id stands in each row: never give it to another key.")
        {
            Group = EncryptionKey,
            Secret = true,
            EntriesMax = 16,
        },
    ]);

    private static readonly KeyGroup Redact = new("redact",
    [
        new("headers", KeyKind.TextList, "Names of headers, with * for any letters, beside Authorization, Cookie, *-Key, *token* and "
            + "the like.") { EntriesMax = 256 },
        new("json", KeyKind.TextList, "Places in JSON bodies: patient.ssn, cards.*.number, **.password; * is any name or entry.")
        {
            EntriesMax = 256,
        },
    ]);

    private static readonly KeyGroup Audit = new("audit",
    [
        Time("keep", Day, 3_650 * Day, "How long an act is kept. Default 365d."),
        Whole("keep_max", 1_000, 100_000_000, "How many are kept at most. Default 1000000."),
    ]);

    private static readonly KeyGroup Telemetry = new("telemetry",
    [
        new("otlp", KeyKind.HttpUrl, "Where traces and metrics are sent by OTLP, such as http://127.0.0.1:4318. Default: nowhere."),
        OneOf("protocol", ["http", "grpc"],
            "http: protobuf over HTTP, to /v1/traces and /v1/metrics below the address; grpc. Default http."),
        new("headers", KeyKind.HeaderMap, "Headers that every export carries, for example an API key."),
        new("traces", KeyKind.Boolean, "Whether traces are sent. Default true."),
        new("metrics", KeyKind.Boolean, "Whether metrics are sent. Default true."),
        Whole("sample_percent", 0, 100, "Of the traces that begin here, how many of a hundred are sent. Default 100."),
        Time("interval", Second, Hour, "How often metrics are sent. Default 60s."),
        new("service_name", KeyKind.Text, "The service.name of what is sent. Default recourse."),
    ]);

    /// <summary>The keys of the whole file.</summary>
    public static readonly KeyGroup Root = new("configuration",
    [
        Whole("version", 1, 1, "The version of the format: 1."),
        new("include", KeyKind.TextList, "Other files whose keys count too; what this file says itself wins."),
        new("listen", KeyKind.TextList, "Where the relay listens; beyond loopback only with keys. Default http://127.0.0.1:8080."),
        new("insecure", KeyKind.Boolean, "true: without any key, listen beyond loopback all the same. Default false."),
        new("tls", KeyKind.Group, "The certificate of listeners that begin with https://.") { Group = ServerTls },
        new("encryption", KeyKind.Group, "Seals bodies and headers in the store with keys of your own.")
        {
            Group = Encryption,
            Secret = true,
        },
        new("redact", KeyKind.Group, "What is masked wherever payloads, headers and errors are shown.") { Group = Redact },
        new("audit", KeyKind.Group, "How long the acts of people are kept.") { Group = Audit },
        new("store", KeyKind.Text, "sqlite:PATH, memory: (for trials: nothing is kept), or postgres://…. Default sqlite:recourse.db."),
        OneOf("durability", ["full", "os"],
            "What a 202 survives: full (the power too) or os (the end of the process only). Default full."),
        History,
        Time("shutdown_grace", TimeSpan.Zero, TimeSpan.FromMinutes(10),
            "How long a graceful stop waits for attempts under way. Default 10s."),
        KeepDelivered, KeepDeliveredMax,
        new("services", KeyKind.GroupMap, "The services, by name.") { Group = Service },
        new("queues", KeyKind.GroupMap, "The queues, by name.") { Group = Queue },
        new("dead_letter_queue", KeyKind.Group, "What happens to dead letters.") { Group = DeadLetters },
        new("limits", KeyKind.Group, "The bounds on what comes in.") { Group = Limits },
        new("telemetry", KeyKind.Group, "Where traces and metrics are sent.") { Group = Telemetry },
        NotYet("alerts", "alert rules"),
        NotYet("groups", "alert rules"),
        NotYet("channels", "alert channels"),
        NotYet("budgets", "error budgets"),
        NotYet("sagas", "sagas declared in YAML"),
        NotYet("runs", "ETL runs"),
        NotYet("schedules", "schedules"),
        NotYet("components", "supervised components"),
        NotYet("keys", "keys in the configuration; `recourse keys add` makes them in the store"),
        NotYet("emergency", "emergency mode"),
    ]);
}
