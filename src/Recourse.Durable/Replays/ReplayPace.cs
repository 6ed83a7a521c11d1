namespace Recourse.Durable;

/// <summary>
/// Keeps a job at its rate. It counts from a fixed beginning, so that what a commit takes longer is made up with the next one and the rate
/// holds over any stretch; but what is a second or more behind is let go, so that a store that was away is not flooded afterwards.
/// </summary>
internal sealed class ReplayPace(double rate, TimeProvider time)
{
    private static readonly TimeSpan Stretch = TimeSpan.FromMilliseconds(100);

    private long _began = time.GetTimestamp();
    // Where letters are seconds apart the first goes at once.
    private double _sent = rate < 10 ? -1 : 0;

    /// <summary>How many may go now, at most <paramref name="upTo"/>; 0 when it is too early.</summary>
    public int Allowed(int upTo)
    {
        var due = (time.GetElapsedTime(_began).TotalSeconds * rate) - _sent;
        if (due > Math.Max(rate, 1))
        {
            (_began, _sent) = (time.GetTimestamp(), 0);
            due = Math.Max(rate, 1);
            _sent -= due;
        }
        // A tenth of a second's worth in one commit: fewer, larger commits, and still an even stream. Rounding must not cost a turn.
        var least = Math.Clamp(rate * Stretch.TotalSeconds, 1, upTo);
        return due + 1e-6 >= least ? (int)Math.Min(upTo, Math.Floor(due + 1e-6)) : 0;
    }

    /// <summary>So many went.</summary>
    public void Sent(int count) => _sent += count;

    /// <summary>How long until the next may go.</summary>
    public TimeSpan Wait(int upTo)
    {
        var least = Math.Clamp(rate * Stretch.TotalSeconds, 1, upTo);
        var at = TimeSpan.FromSeconds((_sent + least) / rate);
        var wait = at - time.GetElapsedTime(_began);
        return wait > TimeSpan.FromMilliseconds(1) ? wait : TimeSpan.FromMilliseconds(1);
    }
}
