namespace Recourse.Durable.Tests;

/// <summary>A mistake that the simulated store can be told to make. Each must be found, or the simulation proves nothing.</summary>
public enum Defect
{
    /// <summary>None: the store as it is.</summary>
    None,
    /// <summary>An outcome is taken whatever its lease.</summary>
    FenceNotCompared,
    /// <summary>A commit is answered before it is synced.</summary>
    AcknowledgedBeforeSync,
    /// <summary>A claim may take a delivery whose predecessor in the lane is unfinished.</summary>
    FollowerBeforeHead,
    /// <summary>The attempt is counted when it ends instead of when it is claimed.</summary>
    AttemptNotCounted,
    /// <summary>Opening leaves the leases of the process that ended.</summary>
    LeasesNotEnded,
    /// <summary>Opening ends leases, and forgets that those deliveries are suspect.</summary>
    SuspectForgotten,
    /// <summary>A discard does not reach the books.</summary>
    DiscardNotBooked,
    /// <summary>A second message under one idempotency key is stored.</summary>
    KeyForgotten,
    /// <summary>A retry is answered, and not stored.</summary>
    RetryLost,
    /// <summary>An edit is answered, and not stored.</summary>
    EditLost,
    /// <summary>A note is answered, and not stored.</summary>
    NoteLost,
    /// <summary>An import does not reach the books.</summary>
    ImportNotBooked,
    /// <summary>A batch of a replay job is taken wherever the job is.</summary>
    CursorNotCompared,
    /// <summary>What an operator holds is answered, and not stored.</summary>
    HoldLost,
}
