using Recourse.Durable;

namespace Recourse.Server;

/// <summary>
/// Remembers whether the store took the last command. After a failure the relay counts as not ready for a while; then traffic may find out
/// again,
/// because only a real write shows that a full disk has room.
/// </summary>
internal sealed class StoreHealth(TimeProvider time)
{
    private static readonly TimeSpan Remembered = TimeSpan.FromSeconds(5);

    private Failure? _last;

    private sealed record Failure(StoreException Error, long At);

    /// <summary>Why intake does not work, as far as is known; null when it does.</summary>
    public StoreException? Trouble => Volatile.Read(ref _last) is { } last && time.GetElapsedTime(last.At) < Remembered ? last.Error : null;

    public void Took()
    {
        if (Volatile.Read(ref _last) is not null)
            Volatile.Write(ref _last, null);
    }

    public void Refused(StoreException error)
    {
        // Busy is load, not trouble: whoever was refused tries again, the others go on.
        if (error.Problem is not StoreProblem.Busy)
            Volatile.Write(ref _last, new(error, time.GetTimestamp()));
    }
}
