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
}
