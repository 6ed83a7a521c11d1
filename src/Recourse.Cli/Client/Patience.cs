namespace Recourse.Cli.Client;

/// <summary>
/// Tries a call again while the relay throttles or cannot store, and, once it has answered at all, while it is away (a restart), until
/// <paramref name="limit"/> has gone by since the first failure; then the last error leaves. A relay that never answered is not waited for:
/// most likely there is none. Waits as long as the relay asks, at most 10 s; else 100 ms, doubling up to 2 s.
/// </summary>
internal sealed class Patience(RelayClient relay, TimeSpan limit, TimeProvider? clock = null)
{
    private static readonly TimeSpan MostAsked = TimeSpan.FromSeconds(10);
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;

    /// <summary>Told before each wait, with the error and the wait; null tells nobody.</summary>
    public Action<CliException, TimeSpan>? OnWait { get; init; }

    /// <summary>Runs <paramref name="call"/> until it ends well, fails for good, or the limit is reached.</summary>
    public async Task<T> TryAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        long? firstFailure = null;
        for (var attempt = 0; ; attempt++)
        {
            TimeSpan wait;
            try
            {
                return await call();
            }
            catch (CliException error) when (MayPass(error))
            {
                firstFailure ??= _clock.GetTimestamp();
                wait = WaitFor(error.RetryAfter, attempt);
                if (_clock.GetElapsedTime(firstFailure.Value) + wait > limit) throw;
                OnWait?.Invoke(error, wait);
            }
            await Task.Delay(wait, _clock, cancellationToken);
        }
    }

    private bool MayPass(CliException error) =>
        error.ExitCode == ExitCode.Refused || (error.ExitCode == ExitCode.Unreachable && relay.HasAnswered);

    /// <summary>The wait before the next try; <paramref name="attempt"/> counts from 0.</summary>
    internal static TimeSpan WaitFor(TimeSpan? asked, int attempt)
    {
        if (asked is { } time && time >= TimeSpan.Zero) return time < MostAsked ? time : MostAsked;
        return TimeSpan.FromMilliseconds(Math.Min(2_000, 100 << Math.Min(attempt, 5)));
    }
}
