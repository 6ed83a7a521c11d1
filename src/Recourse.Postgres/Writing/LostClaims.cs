namespace Recourse.Postgres;

/// <summary>
/// Claims whose commit got no answer. Nobody has their deliveries in hand, whether they were kept or not; those that were go back as if
/// never claimed. Looked for during a minute: the server may end the old transaction later than this program begins a new one.
/// </summary>
internal sealed class LostClaims
{
    private const long LookFor = 60_000_000;
    private const long Pause = 1_000_000;
    private const int Max = 10_000;

    private readonly List<(long Lease, long? Since)> _leases = [];
    private long _lookedAt;

    public void Add(IEnumerable<long> leases)
    {
        foreach (var lease in leases)
        {
            if (_leases.Count < Max)
                _leases.Add((lease, null));
        }
    }

    public void Release(Sql sql, OutcomeWriter outcome, Moment moment)
    {
        if (_leases.Count == 0 || moment.Value is var now && Math.Abs(now - _lookedAt) < Pause)
            return;
        _lookedAt = now;
        for (var i = 0; i < _leases.Count; i++)
            _leases[i] = (_leases[i].Lease, _leases[i].Since ?? now);
        outcome.Release(sql, _leases.ConvertAll(lease => lease.Lease));
        _leases.RemoveAll(lease => Math.Abs(now - lease.Since!.Value) > LookFor);
    }
}
