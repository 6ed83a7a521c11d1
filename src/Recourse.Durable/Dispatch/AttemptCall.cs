using System.Runtime.CompilerServices;

namespace Recourse.Durable;

/// <summary>How one call of the handler ended.</summary>
/// <param name="Result">Delivered, or the fault.</param>
/// <param name="Duration">How long it took, or how long it was waited for.</param>
/// <param name="StillRunning">The call, when it was abandoned and goes on; null when it has ended.</param>
internal readonly record struct CallEnd(DeliveryResult Result, TimeSpan Duration, Task? StillRunning);

/// <summary>
/// Calls the handler once, within the service's timeout. A handler whose token was cancelled has a grace to end; then it is abandoned:
/// its attempt counts as failed with an effect that may have happened, and it goes on as a task that only its bulkhead permit remembers.
/// </summary>
internal sealed class AttemptCall(DeliveryHandler handler, DispatcherOptions options, CancellationToken stop)
{
    internal async Task<CallEnd> RunAsync(ClaimedDelivery delivery, TimeSpan timeout)
    {
        if (delivery.Unreadable is { } why)
            return new(DeliveryResult.Failed(Unreadable, why), TimeSpan.Zero, null);
        var began = options.Time.GetTimestamp();
        var cancel = new CancellationTokenSource(timeout, options.Time);
        // On the pool: a handler that blocks or throws before its first await must not hold up the route.
        var call = options.Begin(() => MessagingTelemetry.FollowsAttempts
            ? FollowedAsync(delivery, cancel.Token) : handler(delivery, cancel.Token).AsTask());
        var ended = await EndedAsync(call, cancel);
        var duration = options.Time.GetElapsedTime(began);
        if (!ended)
        {
            DispatchLog.Abandoned(options.Logger, delivery.Attempt, delivery.Id, Durations.Text(duration));
            return new(Cancelled(duration, timeout, Applied.Maybe), duration, ForgetAsync(call, cancel));
        }

        using (cancel)
        {
            try
            {
                return new(await call, duration, null);
            }
            catch (OperationCanceledException exception) when (cancel.IsCancellationRequested)
            {
                var applied = exception is AttemptCancelledException known ? known.Applied : Applied.Maybe;
                return new(Cancelled(duration, timeout, applied), duration, null);
            }
            catch (Exception exception)
            {
                return new(DeliveryResult.Failed(options.Classifier.Classify(exception), Describe(exception)), duration, null);
            }
        }
    }

    private async Task<DeliveryResult> FollowedAsync(ClaimedDelivery delivery, CancellationToken cancellationToken)
    {
        using var activity = MessagingTelemetry.Process(delivery);
        try
        {
            var result = await handler(delivery, cancellationToken);
            MessagingTelemetry.Ended(activity, result);
            return result;
        }
        catch (Exception exception)
        {
            MessagingTelemetry.Ended(activity, cancellationToken.IsCancellationRequested
                ? DeliveryResult.Failed(TimedOut, exception.Message)
                : DeliveryResult.Failed(options.Classifier.Classify(exception), Describe(exception)));
            throw;
        }
    }

    /// <summary>Waits for the call; false when it goes on after its token was cancelled and the grace is over.</summary>
    private async Task<bool> EndedAsync(Task call, CancellationTokenSource cancel)
    {
        var over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = call.ContinueWith(
            (_, over) => ((TaskCompletionSource)over!).TrySetResult(), over, CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously, options.Scheduler);
        var grace = new StrongBox<ITimer?>();
        using (cancel.Token.UnsafeRegister(_ => grace.Value = Grace(over), null))
        using (stop.UnsafeRegister(static source => Cancel((CancellationTokenSource)source!), cancel))
        {
            await over.Task;
        }

        if (grace.Value is { } timer) await timer.DisposeAsync();
        return call.IsCompleted;
    }

    private ITimer Grace(TaskCompletionSource over) => options.Time.CreateTimer(
        static over => ((TaskCompletionSource)over!).TrySetResult(), over, options.AbandonAfter, Timeout.InfiniteTimeSpan);

    private static void Cancel(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException)
        {
            // What a handler's callback throws is the handler's own trouble; the others must still be cancelled.
        }
    }

    private static async Task ForgetAsync(Task call, CancellationTokenSource cancel)
    {
        using (cancel) await call.ConfigureAwait(DispatcherOptions.Quietly);
    }

    // A stop is nobody's fault; it is set apart from a timeout by the time that had passed.
    private DeliveryResult Cancelled(TimeSpan duration, TimeSpan timeout, Applied applied) =>
        stop.IsCancellationRequested && duration < timeout
            ? DeliveryResult.Failed(Stopped with { Applied = applied }, "The relay stopped during the attempt.")
            : DeliveryResult.Failed(TimedOut with { Applied = applied }, $"No answer within {Durations.Text(timeout)}.");

    private static Classification Stopped { get; } = new()
    {
        Kind = FaultKind.Cancelled,
        Persistence = Persistence.Transient,
        Scope = RetryScope.Call,
        Applied = Applied.Maybe,
        Blame = Blame.Service,
        Evidence = "stopped during the attempt",
    };

    // Of this message, for good, and nothing was sent: a person looks at it.
    private static Classification Unreadable { get; } = new()
    {
        Kind = FaultKind.ValidationError,
        Persistence = Persistence.Permanent,
        Scope = RetryScope.Never,
        Applied = Applied.No,
        Blame = Blame.Message,
        Evidence = "a message that cannot be read",
    };

    private static Classification TimedOut { get; } = new()
    {
        Kind = FaultKind.Timeout,
        Persistence = Persistence.Transient,
        Scope = RetryScope.Call,
        Applied = Applied.Maybe,
        Blame = Blame.Service,
        Evidence = "the service's timeout",
    };

    private static string Describe(Exception exception) => $"{exception.GetType().Name}: {exception.Message}";
}
