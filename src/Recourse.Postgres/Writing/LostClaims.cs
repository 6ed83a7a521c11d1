namespace Recourse.Postgres;

/// <summary>
/// Claims whose commit got no answer. Nobody has their deliveries in hand, whether they were kept or not; those that were go back as if
/// never claimed. They are this node's leases behind the last one that was answered, except those that are known. Looked for during a
/// minute: the server may end the old transaction later than this program begins a new one.
/// </summary>
internal sealed class LostClaims
{
    private const long LookFor = 60_000_000;
    private const long Pause = 1_000_000;

    private readonly HashSet<long> _known = [];
    // What is claimed with its storing has a number of its own.
    private long _last = ArrivalWriter.Lease;
    private long? _behind;
    private long? _since;
    private long _lookedAt;

    /// <summary>True while it looks for some.</summary>
    public bool Any => _behind is not null;

    /// <summary>The commit of a claim was answered.</summary>
    public void Answered(long lease)
    {
        if (Any)
            _known.Add(lease);
        else
            _last = Math.Max(_last, lease);
    }

    /// <summary>A commit with claims got no answer.</summary>
    public void Add()
    {
        _behind ??= _last;
        _since = null;
    }

    /// <param name="sql">The connection.</param>
    /// <param name="outcome">Gives them back.</param>
    /// <param name="node">Whose leases.</param>
    /// <param name="pending">Leases of the transaction under way.</param>
    /// <param name="moment">The time of the commit.</param>
    public void Release(Sql sql, OutcomeWriter outcome, long node, IEnumerable<long> pending, Moment moment)
    {
        if (_behind is not { } behind || moment.Value is var now && Math.Abs(now - _lookedAt) < Pause)
            return;
        _lookedAt = now;
        _since ??= now;
        var lost = sql.Read(
            "SELECT DISTINCT lease FROM deliveries WHERE state = 2 AND holder = $1 AND lease > $2", row => row.GetInt64(0), node, behind);
        lost.RemoveAll(_known.Contains);
        lost.RemoveAll(pending.Contains);
        if (lost.Count > 0)
            outcome.Release(sql, lost);
        if (Math.Abs(now - _since.Value) <= LookFor)
            return;
        _last = _known.Append(_last).Max();
        _known.Clear();
        _behind = null;
    }
}
