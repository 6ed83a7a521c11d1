namespace Recourse;

/// <summary>
/// Runs what lies inside again after a fault that may pass. The rules are <see cref="RetryRules"/>; this reads facts and waits.
/// </summary>
internal sealed class RetryStrategy : Strategy
{
    private readonly RetryRules _rules;

    internal RetryStrategy(RetryOptions options, TimeProvider time)
        : base("retry")
    {
        Options = options;
        _rules = new RetryRules(options);
        Budget = options.UnlimitedBudget ? null : options.Budget ?? new RetryBudget(options.BudgetOptions, time);
    }

    private RetryStrategy(RetryOptions options, RetryBudget budget)
        : base("retry")
    {
        Options = options;
        _rules = new RetryRules(options);
        Budget = budget;
    }

    /// <summary>The same rules with what another retry has earned, where neither was given a budget from outside.</summary>
    internal RetryStrategy WithBudgetOf(RetryStrategy other)
    {
        if (Options is not { Budget: null, UnlimitedBudget: false }) return this;
        if (other is not { Options.Budget: null, Budget: { } earned }) return this;
        var bounds = Options.BudgetOptions ?? new RetryBudgetOptions();
        if (bounds != earned.Options) earned.Reload(bounds);
        return new RetryStrategy(Options, earned);
    }

    internal RetryOptions Options { get; }

    internal RetryBudget? Budget { get; }

    public override string Describe()
    {
        var attempts = Options.MaxAttempts is { } most ? $"up to {most} attempts" : "attempts by the fault";
        var backoff = Options.Backoff?.ToString() ?? "backoff by the fault";
        var scope = Options.Scope == RetryScope.Call ? "" : $", scope {Options.Scope.ToString().ToLowerInvariant()}";
        var total = Options.MaxTotalTime is { } time ? $", at most {Durations.Text(time)}" : "";
        return $"retry: {attempts}, {backoff}{scope}{total}{(Budget is null ? ", no budget" : "")}";
    }

    public override Step Enter(Call call, ref Frame frame)
    {
        Budget?.Deposit();
        if (Options.MaxTotalTime is not null) frame.Stamp = call.Time.GetTimestamp();
        return Step.Next;
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        if (call.Succeeded)
        {
            if (frame.Number != 0) Worked(call);
            return Step.Next;
        }

        ref readonly var verdict = ref call.Verdict;
        return verdict is { Judgement: Judgement.Failure, Classification: { } fault }
            ? Failed(call, ref frame, fault, verdict.RetryAfter) : Step.Next;
    }

    public override Step Resume(Call call, ref Frame frame)
    {
        if (!call.Token.IsCancellationRequested) return Step.Again;
        var fault = call.History!.Newest.Classification;
        Refund(call, fault);
        // The time ran out where a further attempt had seemed to fit: the caller gets what had really gone wrong.
        if (!call.CallerToken.IsCancellationRequested)
        {
            EndAsLastReal(call);
            GiveUp(call, RetryStop.Deadline, fault, (int)Math.Min(frame.Number, int.MaxValue));
            return Step.Return;
        }

        Leave(call, "The call was cancelled while it waited for its next attempt.");
        return Step.Return;
    }

    private Step Failed(Call call, ref Frame frame, Classification fault, TimeSpan? retryAfter)
    {
        var attempts = (int)Math.Min(++frame.Number, int.MaxValue);
        var decision = Decide(call, FactsOf(call, frame, fault, retryAfter, attempts));
        // A caller who has left is no reason to blame anything else, nor to pay for an attempt that will not be made.
        if (decision.Again && call.Token.IsCancellationRequested)
        {
            var cut = call.Failure is OperationCanceledException && !call.NeverBegan;
            if (cut || call.CallerToken.IsCancellationRequested) return Cancelled(call, fault, attempts);
            decision = decision with { Stop = RetryStop.Deadline };
        }

        if (decision.Again && Pay(call, fault) is var refused and not RetryStop.None) decision = decision with { Stop = refused };
        var failed = new FailedAttempt(call.AttemptNumber, fault, call.Exception, decision.Again ? decision.Delay : null);
        if (!decision.Again) EndAsLastReal(call);
        call.Record(failed);
        if (!decision.Again) return GiveUp(call, decision.Stop, fault, attempts);
        call.Plan.Counters.Retried();
        Meters.Retried(call.Plan, fault.Kind);
        Announce(call, decision, fault, attempts);
        if (decision.Delay <= TimeSpan.Zero) return Step.Again;
        call.WakeAfter(decision.Delay);
        return Step.Pending;
    }

    private RetryDecision Decide(Call call, in RetryFacts facts)
    {
        try
        {
            return _rules.Decide(facts);
        }
        catch (Exception e)
        {
            // The only function of the program in the rules is the schedule of a custom backoff.
            call.Plan.FunctionFailed(nameof(Backoff.Schedule), e);
            return _rules.Decide(facts with { ScheduleFailed = true });
        }
    }

    private RetryStop Pay(Call call, Classification fault)
    {
        if (call.Allowance?.TryTake() == false) return RetryStop.TotalAttempts;
        if (Budget is not { } budget || budget.TryWithdraw(Cost(budget, fault))) return RetryStop.None;
        call.Allowance?.GiveBack();
        return RetryStop.Budget;
    }

    private void Refund(Call call, Classification fault)
    {
        call.Allowance?.GiveBack();
        Budget?.Refund(Cost(Budget, fault));
    }

    private static int Cost(RetryBudget budget, Classification fault) => fault.Throttling ? budget.Options.ThrottledRetryCost : 1;

    private RetryFacts FactsOf(Call call, in Frame frame, Classification fault, TimeSpan? retryAfter, int attempts)
    {
        bool? told = null;
        TimeSpan? delay = null;
        if (Options.ShouldRetry is not null || Options.Delay is not null)
        {
            var question = new RetryQuestion(attempts, fault, call.Exception, call.Context);
            told = Asked(call, Options.ShouldRetry, question, nameof(RetryOptions.ShouldRetry));
            delay = Asked(call, Options.Delay, question, nameof(RetryOptions.Delay));
        }

        var previous = call.History is { Count: > 0 } history ? history.Newest.Delay ?? TimeSpan.Zero : TimeSpan.Zero;
        return new RetryFacts(
            fault, retryAfter, attempts, previous, Remaining(call, frame), call.Context.MaxAttempts,
            call.Context.Repeatable ?? Options.Repeatable, call.NotApplied, told, delay, Chance.Next());
    }

    private TimeSpan? Remaining(Call call, in Frame frame)
    {
        var remaining = call.Remaining;
        if (Options.MaxTotalTime is not { } total) return remaining;
        var left = total - call.Time.GetElapsedTime(frame.Stamp);
        return remaining is { } deadline && deadline < left ? deadline : left;
    }

    private static TAnswer? Asked<TAnswer>(Call call, Func<RetryQuestion, TAnswer?>? function, in RetryQuestion question, string name)
    {
        if (function is null) return default;
        try
        {
            return function(question);
        }
        catch (Exception e)
        {
            call.Plan.FunctionFailed(name, e);
            return default;
        }
    }

    private static Step Cancelled(Call call, Classification fault, int attempts)
    {
        call.Record(new FailedAttempt(call.AttemptNumber, fault, call.Exception, null));
        Leave(call, $"The call was cancelled after attempt {attempts}.");
        return Step.Next;
    }

    private static void Leave(Call call, string message)
    {
        if (call.Failure is null) call.Discard();
        call.Fail(new OperationCanceledException(message, call.LastReal()?.Exception, call.Token));
    }

    // A refusal only says that there was no further attempt; the caller wants to know what went wrong before.
    private static void EndAsLastReal(Call call)
    {
        if (call.Rejection is not null || call.NeverBegan) call.TryEndAsLastReal();
    }

    private Step GiveUp(Call call, RetryStop reason, Classification fault, int attempts)
    {
        if (reason == RetryStop.Budget) call.Plan.Counters.RefusedByBudget();
        Meters.RetryStopped(call.Plan, reason);
        Log.RetryStopped(call.Plan.Logger, call.Plan.Name, call.Context.Operation, attempts, reason, fault.Kind);
        if (Options.OnGivingUp is not { } observer) return Step.Next;
        try
        {
            observer(new RetryStopped(attempts, reason, fault, call.Exception, call.Context));
        }
        catch (Exception e)
        {
            call.Plan.ObserverFailed(nameof(RetryOptions.OnGivingUp), e);
        }

        return Step.Next;
    }

    private void Announce(Call call, in RetryDecision decision, Classification fault, int attempts)
    {
        Log.Retrying(call.Plan.Logger, call.Plan.Name, attempts, decision.MaxAttempts, call.Context.Operation, fault.Kind, decision.Delay);
        if (Options.OnRetry is not { } observer) return;
        try
        {
            observer(new RetryScheduled(attempts, decision.Delay, fault, call.Exception, call.Context));
        }
        catch (Exception e)
        {
            call.Plan.ObserverFailed(nameof(RetryOptions.OnRetry), e);
        }
    }

    private static void Worked(Call call)
    {
        call.Plan.Counters.RetryWorked();
        Meters.RetryWorked(call);
        Log.RetryWorked(call.Plan.Logger, call.Plan.Name, call.Context.Operation, call.AttemptNumber);
    }
}
