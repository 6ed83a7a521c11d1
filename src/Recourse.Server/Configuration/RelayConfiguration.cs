using Recourse.Durable;

namespace Recourse.Server;

/// <summary>Everything that a relay is told by its file: immutable, checked as a whole, read with <see cref="Load"/>.</summary>
public sealed partial record RelayConfiguration
{
    /// <summary>
    /// Where the relay listens. Default <c>http://127.0.0.1:8080</c>; port 0 takes a free one. Beyond loopback it listens only when a key
    /// was made, or when <see cref="Insecure"/> is set.
    /// </summary>
    public IReadOnlyList<Uri> Listen { get; init; } = [new("http://127.0.0.1:8080")];

    /// <summary>
    /// True lets a relay without any key listen beyond loopback: whoever reaches it may do everything. Default false.
    /// </summary>
    public bool Insecure { get; init; }

    /// <summary>The certificate of https listeners; null (the default) when there is none of these.</summary>
    public ServerTls? Tls { get; init; }

    /// <summary>
    /// The keys with which bodies and headers are sealed in the store; the first seals, the others open what was sealed before. Default
    /// none: they stand there as they came.
    /// </summary>
    public IReadOnlyList<PayloadKey> PayloadKeys { get; init; } = [];

    /// <summary>What is masked wherever payloads, headers and errors are shown.</summary>
    public RedactConfiguration Redact { get; init; } = new();

    /// <summary>How long the acts of people are kept.</summary>
    public AuditConfiguration Audit { get; init; } = new();

    /// <summary>Where messages are kept: <c>sqlite:path</c> (absolute after loading), <c>memory:</c> or <c>postgres://…</c>.</summary>
    public string Store { get; init; } = "sqlite:recourse.db";

    /// <summary>What a 202 survives; a SQLite store only. Default <see cref="StoreDurability.Full"/>: the end of the power too.</summary>
    public StoreDurability Durability { get; init; } = StoreDurability.Full;

    /// <summary>
    /// How long a graceful stop waits for attempts under way before it gives them back. Default 10 s; zero gives them back at once.
    /// </summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long delivered and discarded messages can still be looked at. Default 1 h; zero removes them with the next pass.
    /// </summary>
    public TimeSpan KeepDelivered { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// How many of them at most, in each queue: when more end within <see cref="KeepDelivered"/>, the oldest go earlier. Default 100,000.
    /// </summary>
    public int KeepDeliveredMax { get; init; } = 100_000;

    /// <summary>The services that messages are delivered to, by name.</summary>
    public IReadOnlyDictionary<string, ServiceConfiguration> Services { get; init; } = new Dictionary<string, ServiceConfiguration>();

    /// <summary>The queues that take messages, by name.</summary>
    public IReadOnlyDictionary<string, QueueConfiguration> Queues { get; init; } = new Dictionary<string, QueueConfiguration>();

    /// <summary>What happens to deliveries that have left the ordinary way.</summary>
    public DeadLetterConfiguration DeadLetterQueue { get; init; } = new();

    /// <summary>The bounds on what comes in.</summary>
    public LimitsConfiguration Limits { get; init; } = new();

    /// <summary>Where traces and metrics are sent. Default: nowhere.</summary>
    public TelemetryConfiguration Telemetry { get; init; } = new();

    /// <summary>Every file that the configuration came from; empty when it was made in code. These are watched for changes.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
}

/// <summary>A service: where it is, how it is called, how it is protected.</summary>
public sealed record ServiceConfiguration
{
    /// <summary>Breaker, timeout, bulkhead, repeatability and importance.</summary>
    public required ServicePolicy Policy { get; init; }

    /// <summary>Where deliveries are sent; null in a file that only tunes a service (no queue may deliver to it then).</summary>
    public Uri? Url { get; init; }

    /// <summary>POST (default), PUT or PATCH.</summary>
    public string Method { get; init; } = "POST";

    /// <summary>Headers that every delivery carries. Default none.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Status codes that mean delivered, as ranges with both ends included. Default 200 to 299.</summary>
    public IReadOnlyList<(int From, int To)> SuccessStatuses { get; init; } = [(200, 299)];

    /// <summary>How the relay shows the service who it is. Null (the default): not at all.</summary>
    public ServiceAuth? Auth { get; init; }

    /// <summary>Secrets with which deliveries are signed, each for itself. Default none: not signed.</summary>
    public IReadOnlyList<string> SignSecrets { get; init; } = [];

    /// <summary>Authorities and certificate for https. Null (the default): the machine's authorities, no certificate.</summary>
    public ServiceTls? Tls { get; init; }

    /// <summary>Headers of the sender that go on, beside CloudEvents <c>ce-*</c> and the trace context. Default none.</summary>
    public IReadOnlyList<string> AllowHeaders { get; init; } = [];
}

/// <summary>A queue: to whom it delivers, in what order, how patiently.</summary>
public sealed record QueueConfiguration
{
    /// <summary>The name; 1 to 64 of <c>a-z 0-9 . _ -</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The services that get every message: one delivery each. At least one.</summary>
    public required IReadOnlyList<string> DeliverTo { get; init; }

    /// <summary>True sends messages with the same <c>Recourse-Key</c> one after the other. Default false.</summary>
    public bool Ordered { get; init; }

    /// <summary>How failed deliveries are tried again, and when they stop being tried.</summary>
    public DeliveryPolicy Policy { get; init; } = new();

    /// <summary>How long an idempotency key is remembered. Default 24 h.</summary>
    public TimeSpan IdempotencyWindow { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long its delivered and discarded messages can be looked at; null takes the relay's.</summary>
    public TimeSpan? KeepDelivered { get; init; }

    /// <summary>How many of them at most; null takes the relay's.</summary>
    public int? KeepDeliveredMax { get; init; }

    /// <summary>The largest body in bytes; null takes the limit of the relay.</summary>
    public long? MaxBody { get; init; }

    /// <summary>How long a message without an expiry of its own may wait for an attempt, from when it may go. Null (the default) is for
    /// ever.</summary>
    public TimeSpan? Expires { get; init; }

    /// <summary>The priority of a message without one of its own, 0 to 9. Default 4.</summary>
    public int Priority { get; init; } = 4;
}

/// <summary>What happens to deliveries that have left the ordinary way.</summary>
public sealed record DeadLetterConfiguration
{
    /// <summary>False keeps failing deliveries waiting instead of making them dead letters. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>How often a dead letter whose fault is not permanent is replayed by itself. Default 0: never.</summary>
    public int MaxRetries { get; init; }

    /// <summary>How long a dead letter waits before it is replayed by itself. Default 300 s.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>At this many dead letters, the queues that feed them answer 429. Null (the default) is no bound.</summary>
    public int? MaxSize { get; init; }

    /// <summary>The most dead letters in one commit of a bulk replay, 1 to 500. Default 500.</summary>
    public int BatchSize { get; init; } = 500;

    /// <summary>Dead letters older than this are discarded, unless somebody has them in hand. Null (the default) keeps them.</summary>
    public TimeSpan? Retention { get; init; }

    /// <summary>
    /// The folder (made when it is missing) into which a letter is written, whole, before its retention discards it: NDJSON by day (UTC),
    /// packed when the day is over. Null (the default) writes none.
    /// </summary>
    public string? Archive { get; init; }

    /// <summary>For how long a person takes a dead letter in hand who does not say how long. Default 15 min; up to 7 days.</summary>
    public TimeSpan VisibilityTimeout { get; init; } = TimeSpan.FromMinutes(15);
}

/// <summary>The bounds on what comes in.</summary>
public sealed record LimitsConfiguration
{
    /// <summary>The largest body of a message in bytes. Default 1 MiB.</summary>
    public long MaxBody { get; init; } = 1 << 20;

    /// <summary>The largest body of a batch in bytes. Default 64 MiB.</summary>
    public long MaxBatch { get; init; } = 64 << 20;

    /// <summary>The most lines in a batch. Default 100,000.</summary>
    public int MaxBatchLines { get; init; } = 100_000;

    /// <summary>The most connections at once; more are closed. Default 10,000.</summary>
    public int MaxConnections { get; init; } = 10_000;
}

/// <summary>How long the acts of people are kept.</summary>
public sealed record AuditConfiguration
{
    /// <summary>How long an act is kept. Default 365 days.</summary>
    public TimeSpan Keep { get; init; } = TimeSpan.FromDays(365);

    /// <summary>How many are kept at most, the newest. Default 1,000,000.</summary>
    public long KeepMax { get; init; } = 1_000_000;
}

/// <summary>What is masked wherever payloads, headers and errors are shown, exported or archived; deliveries carry the values.</summary>
public sealed record RedactConfiguration
{
    /// <summary>
    /// Names of headers, with <c>*</c> for any letters, beside Authorization, Proxy-Authorization, Cookie, Set-Cookie, *-Key, *token*,
    /// *secret* and *password*, which are always masked. Default none.
    /// </summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>
    /// Places in JSON bodies: names with dots between, <c>*</c> for any one name, <c>**</c> for any depth; arrays are walked through. Their
    /// last names are masked in texts too. Default none.
    /// </summary>
    public IReadOnlyList<string> Json { get; init; } = [];
}
