using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Dashboard;

namespace Recourse.Server;

/// <summary>
/// Remembers that the store refused a command, until it has taken new work again: a message, or the probe that <see cref="StoreWatch"/>
/// sends meanwhile. Nothing else clears it: reading, discarding and ending attempts may work on a full disk. Trouble is logged once when it
/// begins and once when it is over.
/// </summary>
internal sealed class StoreHealth(TimeProvider time, ILogger logger)
{
    private const int SmallestProbe = 64 * 1024;
    // A store that takes small messages and refuses large ones changes its state all the time; the log need not.
    private static readonly TimeSpan LogPause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private Failure? _failure;
    private long? _loggedAt;

    private sealed record Failure(StoreException Error, long Since, int Size, long Refused, bool Logged);

    /// <summary>Why intake does not work; null when it does.</summary>
    public StoreException? Trouble => Volatile.Read(ref _failure)?.Error;

    /// <summary>How many bytes a probe must write to show that what was refused would be taken now.</summary>
    public int ProbeSize => Math.Clamp(Volatile.Read(ref _failure)?.Size ?? 0, SmallestProbe, ProbeCommand.SizeMax);

    public void Took()
    {
        if (Volatile.Read(ref _failure) is null)
            return;
        lock (_lock)
        {
            if (_failure is not { } over)
                return;
            _failure = null;
            if (over.Logged)
                Log.StoreWell(logger, Wording.Span(time.GetElapsedTime(over.Since)),
                    Wording.Counted(over.Refused, "refusal", "refusals"));
        }
    }

    /// <param name="error">What the store said.</param>
    /// <param name="size">The bytes of the message that was refused; 0 for other commands.</param>
    public void Refused(StoreException error, int size)
    {
        // Busy is load, not trouble: whoever was refused tries again, the others go on.
        if (error.Problem is StoreProblem.Busy)
            return;
        lock (_lock)
        {
            if (_failure is { } known)
            {
                _failure = known with { Error = error, Size = Math.Max(known.Size, size), Refused = known.Refused + (size > 0 ? 1 : 0) };
                return;
            }
            var log = _loggedAt is not { } last || time.GetElapsedTime(last) >= LogPause;
            if (log)
            {
                _loggedAt = time.GetTimestamp();
                Log.StoreInTrouble(logger, error.Message);
            }
            _failure = new(error, time.GetTimestamp(), size, 1, log);
        }
    }
}
