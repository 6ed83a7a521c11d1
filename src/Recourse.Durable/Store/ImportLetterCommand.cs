namespace Recourse.Durable;

/// <summary>
/// Puts a dead letter that was exported or archived back among the dead letters, with its id, attempts, history, notes and error. It counts
/// as accepted and dead. It dies anew: its time of death is that of the commit, and the one it had stands in its history. It holds nobody
/// up in its lane, where the others have gone on; a replay puts it there again. Who had it in hand is not kept.
/// </summary>
/// <param name="letter">What was stored of it. <c>State</c>, <c>Group</c>, <c>Holds</c> and <c>TakenBy</c> are not looked at.</param>
/// <param name="original">The body that came in.</param>
/// <param name="actor">Who brings it in, at most 100 characters.</param>
public sealed class ImportLetterCommand(StoredDelivery letter, Payload original, string actor) : StoreCommand<ImportOutcome>
{
    /// <summary>What was stored of it.</summary>
    public StoredDelivery Letter { get; } = letter;

    /// <summary>The body that came in.</summary>
    public Payload Original { get; } = original;

    /// <summary>The body that a person gave it; null (the default) when nobody did.</summary>
    public Payload? Edited { get; init; }

    /// <summary>Who brings it in.</summary>
    public string Actor { get; } = actor;

    // The payloads come from the sealing store, which has looked at what came in.
    internal bool IsSealed { get; init; }

    // Checked and brought into the shape of a row on the caller's thread.
    internal ImportedLetter Row { get; set; } = null!;
}

/// <summary>What became of an <see cref="ImportLetterCommand"/>.</summary>
public enum ImportOutcome
{
    /// <summary>It is a dead letter again.</summary>
    Imported,
    /// <summary>A delivery with this id is there, in whatever state; nothing was changed.</summary>
    Duplicate,
    /// <summary>The id belongs to a message of another queue or with another body; nothing was changed.</summary>
    Conflict,
}
