namespace Recourse.Durable;

/// <summary>Keys, and the audit.</summary>
internal sealed partial class MemoryCommands
{
    private long _acts;

    /// <summary>Keys and sessions, oldest first.</summary>
    public List<ApiKey> Keys { get; } = [];

    /// <summary>What was done, oldest first.</summary>
    public List<AuditEntry> Acts { get; } = [];

    private KeyOutcome Keep(KeyChange change)
    {
        Keys.RemoveAll(key => change.Removed.Contains(key.Id));
        if (change.Added is { } added)
            Keys.Add(added);
        return change.Outcome;
    }

    private void Note(StoreCommand command)
    {
        if (AuditRules.Of(command, StoreTime.Time(Now)) is { } act)
            Acts.Add(act with { Number = ++_acts });
    }

    private int Prune(PruneAuditCommand command)
    {
        var before = StoreTime.Time(Now) - command.OlderThan;
        var surplus = Math.Max(0, Acts.Count - command.KeepMax);
        var going = 0;
        while (going < Acts.Count && going < command.Limit && (going < surplus || Acts[going].At <= before))
            going++;
        Acts.RemoveRange(0, going);
        return going;
    }

    /// <summary>The keys that payloads are sealed with.</summary>
    public List<PayloadKeyNote> PayloadKeys { get; } = [];

    private bool Keep(NotePayloadKeyCommand command)
    {
        var removed = PayloadKeys.RemoveAll(note => note.Id == command.Id) > 0;
        if (command.InUse)
            PayloadKeys.Add(new(command.Id, command.Check.ToArray()));
        return command.InUse || removed;
    }

    private bool Replace(ReplacePayloadCommand command)
    {
        var row = command.Row;
        if (!Messages.TryGetValue(row.Message, out var message))
            return false;
        if (row.Index is { } index)
        {
            if (message.Deliveries[index] is not { Edited: { } edited } delivery || edited.ContentType != row.ContentType)
                return false;
            delivery.Edited = (edited.Generation, command.Body.ToArray(), command.ContentType);
            return true;
        }
        if (message.Message.ContentType != row.ContentType)
            return false;
        message.Message = message.Message with { Body = command.Body.ToArray(), ContentType = command.ContentType, Headers = null };
        return true;
    }
}
