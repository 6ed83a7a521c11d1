namespace Recourse;

/// <summary>The slots of a half-open circuit. Not thread-safe: the breaker holds its lock around every call.</summary>
internal sealed class ProbeLeases(int slots)
{
    private (uint Probe, long Expires)[] _slots = new (uint, long)[slots];
    private uint _last;

    /// <summary>Slots taken back since the breaker was made.</summary>
    internal long Expired { get; private set; }

    /// <summary>Takes a free slot, or one whose lease has expired; zero when there is none.</summary>
    internal uint Take(long now, long lease)
    {
        foreach (ref var slot in _slots.AsSpan())
        {
            if (slot.Probe != 0 && now < slot.Expires)
                continue;
            if (slot.Probe != 0)
                Expired++;
            // Numbers are never used again within a generation, so a late report cannot hit the slot's next holder.
            _last = _last == uint.MaxValue ? 1 : _last + 1;
            slot = (_last, now + lease);
            return _last;
        }
        return 0;
    }

    /// <summary>Gives a slot back; false when the probe no longer has it, or has it past its lease.</summary>
    internal bool Return(uint probe, long now)
    {
        foreach (ref var slot in _slots.AsSpan())
        {
            if (slot.Probe != probe)
                continue;
            var valid = now < slot.Expires;
            if (!valid)
                Expired++;
            slot = default;
            return valid;
        }
        return false;
    }

    internal int InFlight(long now)
    {
        var count = 0;
        foreach (var (probe, expires) in _slots)
            count += probe != 0 && now < expires ? 1 : 0;
        return count;
    }

    /// <summary>How long until the first slot is free; zero when one is.</summary>
    internal long FreeIn(long now)
    {
        var first = long.MaxValue;
        foreach (var (probe, expires) in _slots)
            first = Math.Min(first, probe == 0 ? now : expires);
        return Math.Max(0, first - now);
    }

    internal void Clear() => _slots.AsSpan().Clear();

    /// <summary>Another number of slots. Probes under way keep theirs as far as there is room; of the rest the report is stale.</summary>
    internal void Resize(int slots)
    {
        if (slots == _slots.Length)
            return;
        var kept = Array.FindAll(_slots, slot => slot.Probe != 0);
        Array.Resize(ref kept, slots);
        _slots = kept;
    }
}
