namespace Recourse.Durable;

/// <summary>
/// One attempt from claim to commit: call, report to the breaker, decide, store the outcome, tell the observers. Whatever happens, the
/// permits that came with it are given back.
/// </summary>
internal sealed class DeliveryAttempt(AttemptCall call, OutcomeCommit commit, DispatcherOptions options)
{
    private const int ErrorMax = 2_000;

    /// <summary>
    /// Runs the attempt; <paramref name="ended"/> is called once its bulkhead permit is free again, which may be after this task: with
    /// true when something may be due because of it, this delivery again or one that waits behind it.
    /// </summary>
    internal async Task RunAsync(ClaimedDelivery delivery, ServiceGuard guard, CircuitPermit permit, Action<bool> ended)
    {
        Task? stillRunning = null;
        var delivered = false;
        try
        {
            var policy = guard.Policy;
            var end = NotRepeated;
            if (Repeats(delivery, policy))
            {
                end = await call.RunAsync(delivery, policy.Timeout);
                stillRunning = end.StillRunning;
                guard.Report(permit, end.Result.Fault, end.Result.Error, end.Duration);
            }
            else
            {
                guard.Breaker.Report(permit, Judgement.Neutral);
            }

            delivered = await StoreAsync(delivery, guard, end, permit.IsProbe);
        }
        finally
        {
            var more = !delivered || delivery.OrderKey is not null;
            if (stillRunning is null) ended(more);
            else _ = stillRunning.ContinueWith(_ => ended(more), CancellationToken.None, TaskContinuationOptions.None, options.Scheduler);
        }
    }

    /// <summary>Stores how it ended; true when it was delivered and that is stored.</summary>
    private async Task<bool> StoreAsync(ClaimedDelivery delivery, ServiceGuard guard, CallEnd end, bool probe)
    {
        var (attempt, policy) = (AttemptOf(delivery, end), options.PolicyFor(delivery.Queue));
        MessagingTelemetry.Attempted(delivery, end.Result.Fault, end.Duration);
        if (delivery.AttemptInGeneration == 1) guard.Budget.Deposit();
        if (end.Result.Fault is not { } fault)
        {
            if (!await commit.TryAsync(delivery, attempt.Outcome, () => new CompleteCommand(delivery.Id, delivery.Lease, attempt)
            {
                KeepHistory = policy.KeepHistory,
            }))
                return false;
            Tell(new AttemptReport(delivery, attempt, null, null));
            return true;
        }

        var decision = Decide(delivery, guard, end.Result, fault, probe);
        attempt = attempt with { Kind = decision.Kind ?? fault.Kind, Decision = decision.ToString() };
        if (await commit.TryAsync(delivery, attempt.Outcome, () => new FailCommand(delivery.Id, delivery.Lease, attempt, fault, decision)
        {
            BlockLane = policy.BlockLaneWhenDead,
            KeepHistory = policy.KeepHistory,
        }))
        {
            if (decision.Action is DeliveryAction.DeadLetter)
                DispatchLog.Died(
                    options.Logger, delivery.Id, delivery.Queue, delivery.Service, attempt.Kind.Value.Name(), decision.ToString());
            Tell(new AttemptReport(delivery, attempt, fault, decision));
        }
        return false;
    }

    private DeliveryDecision Decide(
        ClaimedDelivery delivery, ServiceGuard guard, in DeliveryResult result, Classification fault, bool probe)
    {
        var now = options.Time.GetUtcNow();
        var cost = fault.Throttling ? options.RetryBudget.ThrottledRetryCost : 1;
        var paid = guard.Budget.TryWithdraw(cost);
        var failure = new DeliveryFailure
        {
            Fault = fault,
            Attempt = delivery.AttemptInGeneration,
            MessageFaults = delivery.MessageFaults,
            UnknownFaults = delivery.UnknownFaults,
            Age = now - delivery.GenerationAt,
            Now = now,
            Sample = options.Sample(),
            LastDelay = TimeSpan.FromMilliseconds(delivery.LastDelayMs),
            RetryAfter = result.RetryAfter,
            Probe = probe,
            BreakerOpenFor = guard.Breaker.State is CircuitState.Open ? guard.Breaker.RetryAfter : TimeSpan.Zero,
            BudgetExhausted = !paid,
        };
        var decision = DeliveryDecider.Decide(failure, options.PolicyFor(delivery.Queue), guard.Policy);
        if (paid && decision.Action is not DeliveryAction.Retry) guard.Budget.Refund(cost);
        return decision;
    }

    private Attempt AttemptOf(ClaimedDelivery delivery, in CallEnd end) => new()
    {
        Number = delivery.Attempt,
        Generation = delivery.Generation,
        StartedAt = delivery.ClaimedAt,
        DurationMs = (long)end.Duration.TotalMilliseconds,
        Outcome = end.Result.Fault is null ? "delivered" : "failed",
        Applied = end.Result.Fault?.Applied ?? Applied.Yes,
        Status = end.Result.Status,
        Error = Shortened(end.Result.Error),
        Node = options.Node,
    };

    // In hand when a process ended: whether the service has it is not known, and it must not be sent again to find out.
    private static bool Repeats(ClaimedDelivery delivery, ServicePolicy policy) => policy.Repeatable || !delivery.Suspect;

    private static CallEnd NotRepeated { get; } = new(
        DeliveryResult.Failed(
            new Classification
            {
                Kind = FaultKind.ProcessCrashed,
                Persistence = Persistence.Unknown,
                Scope = RetryScope.Never,
                Applied = Applied.Maybe,
                Blame = Blame.Service,
                Evidence = "in hand when a process ended",
            },
            "A process ended during the last attempt; it was not sent again, because the service is not repeatable."),
        TimeSpan.Zero,
        null);

    private static string? Shortened(string? text)
    {
        if (text is null || text.Length <= ErrorMax) return text;
        // Not between the halves of a character.
        var end = char.IsHighSurrogate(text[ErrorMax - 1]) ? ErrorMax - 1 : ErrorMax;
        return text[..end];
    }

    private void Tell(AttemptReport report)
    {
        try
        {
            options.OnAttempt?.Invoke(report);
        }
        catch (Exception error)
        {
            DispatchLog.ObserverFailed(options.Logger, error);
        }
    }
}
