using System.Collections;

namespace Recourse;

/// <summary>The failed attempts of one call: the first 5 and the last 20. A gap shows as a gap in the numbers.</summary>
internal sealed class AttemptHistory : IReadOnlyList<FailedAttempt>
{
    internal const int First = 5;
    internal const int Last = 20;

    private FailedAttempt[] _items = new FailedAttempt[4];
    private int _count;
    private int _oldestOfLast = First;

    public int Count => _count;

    public FailedAttempt this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_count);
            return _items[Slot(index)];
        }
    }

    internal ref FailedAttempt Newest => ref _items[Slot(_count - 1)];

    internal void Add(in FailedAttempt attempt)
    {
        if (_count < First + Last)
        {
            if (_count == _items.Length) Array.Resize(ref _items, Math.Min(First + Last, _count * 2));
            _items[_count++] = attempt;
            return;
        }

        _items[_oldestOfLast] = attempt;
        _oldestOfLast = _oldestOfLast + 1 == First + Last ? First : _oldestOfLast + 1;
    }

    public IEnumerator<FailedAttempt> GetEnumerator()
    {
        for (var i = 0; i < _count; i++) yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int Slot(int index) => index < First ? index : First + ((_oldestOfLast - First + index - First) % Last);
}
