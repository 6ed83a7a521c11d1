namespace Recourse.Durable;

/// <summary>
/// Decides which other nodes are dead, by this node's own steady clock: one whose count of pulses has not moved while this node looked at
/// it for 6 s. Nobody's wall clock counts. A gap in the looks (the store was down, this node was frozen) begins all observations anew,
/// because nobody could pulse then, or nobody looked. One loop at a time.
/// </summary>
internal sealed class NodeJudge(TimeProvider time)
{
    public static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(6);
    public static readonly TimeSpan GapMax = TimeSpan.FromSeconds(3);

    private readonly Dictionary<long, (long Beats, long Since)> _seen = [];
    private long? _lookedAt;

    /// <summary>After a pulse: the nodes that are dead now.</summary>
    public List<NodeBeat> Dead(IReadOnlyList<NodeBeat> nodes, long self)
    {
        var now = time.GetTimestamp();
        if (_lookedAt is { } last && time.GetElapsedTime(last, now) > GapMax)
            _seen.Clear();
        _lookedAt = now;
        var dead = new List<NodeBeat>();
        foreach (var node in nodes)
        {
            if (node.Id == self)
                continue;
            if (!_seen.TryGetValue(node.Id, out var seen) || seen.Beats != node.Beats)
                _seen[node.Id] = (node.Beats, now);
            else if (time.GetElapsedTime(seen.Since, now) >= DeadAfter)
                dead.Add(node);
        }
        if (_seen.Count > nodes.Count)
        {
            foreach (var gone in _seen.Keys.Except(nodes.Select(node => node.Id)).ToList())
                _seen.Remove(gone);
        }
        return dead;
    }
}
