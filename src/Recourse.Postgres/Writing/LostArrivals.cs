namespace Recourse.Postgres;

/// <summary>
/// Messages that were to be claimed with their storing, by a commit that got no answer. Nobody has them in hand, whether they were kept or
/// not; those that were go back as if never claimed. Looked for with each pulse of a minute, for the reason that <see cref="LostClaims"/>
/// gives. Safe for several threads.
/// </summary>
internal sealed class LostArrivals
{
    private const long LookFor = 60_000_000;

    private readonly Lock _lock = new();
    private readonly List<Lost> _lost = [];
    private volatile bool _any;

    private sealed class Lost(List<Guid> messages)
    {
        public List<Guid> Messages { get; } = messages;

        public long? Since { get; set; }
    }

    /// <summary>True while it looks for some.</summary>
    public bool Any => _any;

    /// <summary>A commit with these messages got no answer.</summary>
    public void Add(List<Guid> messages)
    {
        lock (_lock)
        {
            _lost.Add(new(messages));
            _any = true;
        }
    }

    /// <summary>Gives back what is found of them, within the transaction under way; the services for which that is.</summary>
    public List<string> Release(Sql sql)
    {
        List<Guid> messages;
        lock (_lock)
            messages = [.. _lost.SelectMany(lost => lost.Messages)];
        // No entry in the books: what is leased stands there as waiting.
        return sql.Read(
            """
            UPDATE deliveries d SET state = 0, lease = 0, alone = false, attempts = d.attempts - 1 FROM messages m
            WHERE m.id = ANY ($1) AND d.key = m.sequence * 256 AND d.lease = $2 RETURNING d.service
            """, row => row.GetString(0), messages, ArrivalWriter.Lease);
    }

    /// <summary>A look was committed at this time: those that have been looked for long enough are forgotten.</summary>
    public void Looked(long now)
    {
        lock (_lock)
        {
            _lost.RemoveAll(lost => lost.Since is { } since && Math.Abs(now - since) > LookFor);
            _lost.ForEach(lost => lost.Since ??= now);
            _any = _lost.Count > 0;
        }
    }
}
