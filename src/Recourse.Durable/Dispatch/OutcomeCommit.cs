namespace Recourse.Durable;

/// <summary>
/// Stores how an attempt ended, and does not give up while the process lives: what a service has taken must not be forgotten because a
/// disk was full for a moment. It ends when the outcome is committed, when the lease turns out to be lost, or with the last word of a stop.
/// </summary>
internal sealed class OutcomeCommit(MessageStore store, DispatcherOptions options, CancellationToken giveUp)
{
    /// <summary>How long to leave a store alone that fails: 100 ms, doubling up to 5 s.</summary>
    internal static Backoff Waits { get; } = new()
    {
        Initial = TimeSpan.FromMilliseconds(100),
        Max = TimeSpan.FromSeconds(5),
        Jitter = JitterKind.Equal,
    };

    /// <summary>Where refusals of the store are told, by the routes too.</summary>
    internal StoreTrouble Trouble { get; } = new(options);

    /// <summary>True when committed; false when the lease was lost or the stop ended the tries. A command is made anew for each
    /// try.</summary>
    internal async Task<bool> TryAsync(ClaimedDelivery delivery, string outcome, Func<StoreCommand<bool>> command)
    {
        for (var tries = 1; ; tries = tries == int.MaxValue ? tries : tries + 1)
        {
            try
            {
                if (await store.CommitAsync(command(), CancellationToken.None)) return true;
                DispatchLog.LeaseLost(options.Logger, outcome, delivery.Attempt, delivery.Id);
                return false;
            }
            catch (Exception error)
            {
                var wait = Waits.Delay(tries, TimeSpan.Zero, options.Sample());
                if (error is StoreException refusal) Trouble.Report($"the outcome '{outcome}' of delivery {delivery.Id}", refusal);
                else DispatchLog.CommitFailed(options.Logger, outcome, delivery.Attempt, delivery.Id, Durations.Text(wait), error);
                if (!await WaitAsync(wait)) break;
            }
        }

        DispatchLog.OutcomeGivenUp(options.Logger, outcome, delivery.Attempt, delivery.Id);
        return false;
    }

    private async Task<bool> WaitAsync(TimeSpan wait)
    {
        if (giveUp.IsCancellationRequested) return false;
        await Task.Delay(wait, options.Time, giveUp).ConfigureAwait(DispatcherOptions.Quietly);
        return !giveUp.IsCancellationRequested;
    }
}
