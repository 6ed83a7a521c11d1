namespace Recourse;

/// <summary>Whose problem a fault is. A function of its kind: <see cref="FaultKinds.Category"/>.</summary>
public enum FaultCategory
{
    /// <summary>Not known.</summary>
    Unknown = 0,
    /// <summary>The network between caller and service.</summary>
    Communication,
    /// <summary>Something took too long.</summary>
    Timeout,
    /// <summary>The service that was called.</summary>
    Dependency,
    /// <summary>A resource ran out.</summary>
    Resource,
    /// <summary>The data that was sent.</summary>
    Data,
    /// <summary>A rule of the business.</summary>
    Business,
    /// <summary>Credentials, permissions, certificates.</summary>
    Security,
    /// <summary>The way something is set up.</summary>
    Configuration,
    /// <summary>A message that harms what handles it.</summary>
    Poison,
    /// <summary>The machine or process that the program runs in.</summary>
    System,
}

/// <summary>Whether a fault passes by itself.</summary>
public enum Persistence
{
    /// <summary>Not known: a few more tries, then a person.</summary>
    Unknown = 0,
    /// <summary>It passes: trying again later can help.</summary>
    Transient,
    /// <summary>It stays: the same call fails again.</summary>
    Permanent,
}

/// <summary>How bad a fault is: its kind and the importance of the service together.</summary>
public enum Severity
{
    /// <summary>For information only.</summary>
    Info = 0,
    /// <summary>Log it and go on.</summary>
    Low,
    /// <summary>Try again, with backoff.</summary>
    Medium,
    /// <summary>A component has to be restarted, or a person has to look.</summary>
    High,
    /// <summary>The system cannot go on.</summary>
    Critical,
}

/// <summary>What has to be run again for a retry to make sense.</summary>
public enum RetryScope
{
    /// <summary>Nothing: a retry cannot help.</summary>
    Never = 0,
    /// <summary>The same call.</summary>
    Call,
    /// <summary>The whole transaction that the call was part of (deadlock, serialisation failure).</summary>
    Transaction,
    /// <summary>The call, after its input was read again (conflict, failed precondition).</summary>
    Reread,
}

/// <summary>Whether the effect of the failed call may have happened all the same.</summary>
public enum Applied
{
    /// <summary>It may have (the connection was cut after the request was sent).</summary>
    Maybe = 0,
    /// <summary>It has not (refused before anything was sent, or rejected by the service).</summary>
    No,
    /// <summary>It has (a duplicate was reported).</summary>
    Yes,
}

/// <summary>What a fault speaks against, and so what bounds the attempts after it.</summary>
public enum Blame
{
    /// <summary>Not known: at most a few attempts.</summary>
    Unknown = 0,
    /// <summary>The service: every message would fail now. Attempts are bounded by age.</summary>
    Service,
    /// <summary>This message: others would pass. Attempts are bounded by number.</summary>
    Message,
}
