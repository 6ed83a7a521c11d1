using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Messages that were to be claimed with their storing, by a commit that got no answer. Nobody has them in hand, whether they were kept or
/// not; those that were go back as if never claimed. Looked for during a minute, for the reason that <see cref="LostClaims"/> gives. Filled
/// by the writer that takes messages in, emptied by the one that claims.
/// </summary>
internal sealed class LostArrivals
{
    private const long LookFor = 60_000_000;
    private const long Pause = 1_000_000;

    private readonly Lock _lock = new();
    private readonly List<Lost> _lost = [];
    private volatile bool _any;
    private long _lookedAt;

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

    /// <summary>Gives back what is found of them.</summary>
    public void Release(Sql sql, OutcomeWriter outcome, Moment moment)
    {
        if (!Any || moment.Value is var now && Math.Abs(now - _lookedAt) < Pause)
            return;
        _lookedAt = now;
        List<Guid> messages;
        lock (_lock)
        {
            _lost.ForEach(lost => lost.Since ??= now);
            messages = [.. _lost.SelectMany(lost => lost.Messages)];
            _lost.RemoveAll(lost => Math.Abs(now - lost.Since!.Value) > LookFor);
            _any = _lost.Count > 0;
        }
        var found = sql.Read(
            "SELECT m.id FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 WHERE m.id = ANY ($1) AND d.lease = $2",
            row => row.GetGuid(0), messages, ArrivalWriter.Lease);
        foreach (var id in found)
            outcome.Apply(sql, new ReleaseCommand(new(id, 0), ArrivalWriter.Lease));
    }
}
