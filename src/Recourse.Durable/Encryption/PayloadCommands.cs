namespace Recourse.Durable;

/// <summary>Notes that rows are sealed with a key from now on, or, with <see cref="InUse"/> false, that none is any more.</summary>
internal sealed class NotePayloadKeyCommand(string id, ReadOnlyMemory<byte> check, bool inUse) : StoreCommand<bool>
{
    public string Id { get; } = id;
    public ReadOnlyMemory<byte> Check { get; } = check;
    public bool InUse { get; } = inUse;
}

/// <summary>
/// Writes a payload anew under another key. False when the row is gone, or no longer has the content type that it was read with: then
/// nothing changed.
/// </summary>
internal sealed class ReplacePayloadCommand(StoredPayload row, string contentType, ReadOnlyMemory<byte> body) : StoreCommand<bool>
{
    public StoredPayload Row { get; } = row;
    public string ContentType { get; } = contentType;
    public ReadOnlyMemory<byte> Body { get; } = body;
}

/// <summary>A payload as its row holds it.</summary>
/// <param name="Key">The message's sequence, or the delivery's key for an edit.</param>
/// <param name="Edited">It is the edited body of a dead letter.</param>
/// <param name="Message">The id of its message.</param>
/// <param name="Queue">The queue that its message came in by.</param>
/// <param name="ContentType">As the row has it: of what is sealed, the key.</param>
/// <param name="Headers">Those of its message, as the row has them.</param>
/// <param name="Body">As the row has it.</param>
internal sealed record StoredPayload(
    long Key, bool Edited, Guid Message, string Queue, string? ContentType, string? Headers, ReadOnlyMemory<byte> Body)
{
    /// <summary>The place of the delivery in its message, for an edit.</summary>
    public int? Index => Edited ? DeliveryKey.Index(Key) : null;
}

/// <summary>A key that rows are sealed with, and what tells it from others of its id.</summary>
internal sealed record PayloadKeyNote(string Id, byte[] Check);
