namespace Recourse.Durable;

/// <summary>How failed deliveries of one queue are tried again, and when they stop being tried.</summary>
public sealed record DeliveryPolicy
{
    /// <summary>Attempts of one generation, the first included, for faults that speak against the message. Default 8; at least 1.</summary>
    public int MaxAttempts { get; init; } = 8;

    /// <summary>How long faults that speak against the service are retried, from the start of the generation. Default 24 h; more than
    /// zero.</summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Attempts of one generation for faults about which nothing is known. Default 3; at least 1.</summary>
    public int MaxUnknownAttempts { get; init; } = 3;

    /// <summary>
    /// The seeds' way of counting: dead after this many attempts, whoever is to blame. Null (the default) counts by blame. At least 1.
    /// </summary>
    public int? DeadLetterAfterAttempts { get; init; }

    /// <summary>The wait before each retry.</summary>
    public BackoffPolicy Backoff { get; init; } = new();

    /// <summary>The longest Retry-After of a service that is followed. Default 1 h; a longer one is shortened to it.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromHours(1);

    /// <summary>False keeps failing deliveries waiting instead of making them dead letters. Default true.</summary>
    public bool DeadLettersEnabled { get; init; } = true;

    /// <summary>Whether a dead letter holds the deliveries behind it in its lane; false lets them pass. Default true.</summary>
    public bool BlockLaneWhenDead { get; init; } = true;

    /// <summary>
    /// Whether a delivery keeps its attempts (the first 5 and the last 20) and a delivered message its rows until they are pruned. False
    /// keeps of a failing delivery the last attempt only, and removes a message in the commit that delivers the last of it; the totals
    /// stay. Default true.
    /// </summary>
    public bool KeepHistory { get; init; } = true;
}

/// <summary>The shape of the waits, as a configuration names it.</summary>
public sealed record BackoffPolicy
{
    /// <summary>constant, linear, exponential, fibonacci or decorrelated. Default exponential.</summary>
    public string Shape { get; init; } = "exponential";
    /// <summary>The first wait. Default 200 ms.</summary>
    public TimeSpan Initial { get; init; } = TimeSpan.FromMilliseconds(200);
    /// <summary>The longest wait. Default 30 s.</summary>
    public TimeSpan Max { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>none, full, equal or proportional. Default full.</summary>
    public string Jitter { get; init; } = "full";
}

/// <summary>How one service is called and protected.</summary>
public sealed record ServicePolicy
{
    /// <summary>The name; 1 to 64 of <c>a-z 0-9 . _ -</c>.</summary>
    public required string Name { get; init; }
    /// <summary>Faults in a row that open the breaker. Default 5; at least 1.</summary>
    public int FailureThreshold { get; init; } = 5;
    /// <summary>Good probes that close it again. Default 2; at least 1.</summary>
    public int SuccessThreshold { get; init; } = 2;
    /// <summary>How long it stays open before a probe; grows with each opening in a row, up to 60 s or twice this, whichever is more.
    /// Default 30 s.</summary>
    public TimeSpan ResetTimeout { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>How long one attempt may take. Default 30 s; more than zero.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);
    /// <summary>Attempts under way at once. Default 10; at least 1.</summary>
    public int MaxConcurrent { get; init; } = 10;
    /// <summary>False sends a delivery whose effect may have happened to the dead letters as <c>outcome_unknown</c> instead of repeating
    /// it. Default true.</summary>
    public bool Repeatable { get; init; } = true;
    /// <summary>How much the service matters: low, normal, high or critical. Feeds severity. Default normal.</summary>
    public string Importance { get; init; } = "normal";
}
