namespace Recourse.Durable;

/// <summary>
/// When a loop that asks the store again and again says that it cannot: at once, then after pauses that double from 10 s to 10 min, and
/// when it can again. One loop at a time.
/// </summary>
internal sealed class StoreAway(TimeProvider time)
{
    private static readonly TimeSpan PauseFirst = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(10);

    private long? _since;
    private long _toldAt;
    private TimeSpan _pause;

    /// <summary>Notes a refusal; true when it is to be told.</summary>
    public bool Tell()
    {
        if (_since is null)
            (_since, _pause) = (time.GetTimestamp(), PauseFirst);
        else if (time.GetElapsedTime(_toldAt) < _pause)
            return false;
        else
            _pause = _pause * 2 < PauseMax ? _pause * 2 : PauseMax;
        _toldAt = time.GetTimestamp();
        return true;
    }

    /// <summary>Notes an answer: for how long there was none; null when there was one before.</summary>
    public TimeSpan? Back()
    {
        if (_since is not { } since)
            return null;
        _since = null;
        return time.GetElapsedTime(since);
    }
}
