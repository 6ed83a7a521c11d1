using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>What a command is about, as far as the order of locks needs to know.</summary>
internal static class Concerns
{
    /// <summary>The delivery whose attempt it ends; null when it ends none.</summary>
    public static DeliveryId? Ends(StoreCommand command) => command switch
    {
        CompleteCommand complete => complete.Id,
        FailCommand fail => fail.Id,
        ReleaseCommand release => release.Id,
        _ => null,
    };

    /// <summary>True when it may change dead letters.</summary>
    public static bool Letters(StoreCommand command) => command switch
    {
        FailCommand fail => fail.Decision.Action is DeliveryAction.DeadLetter,
        EnqueueCommand or CompleteCommand or ClaimCommand or ReleaseCommand or PruneCommand or ProbeCommand or ExpireCommand
            or ControlCommand or MoveReplayCommand or PruneReplaysCommand or ResetServiceCommand
            or NoteActCommand or PruneAuditCommand or NotePayloadKeyCommand => false,
        _ => true,
    };
}
