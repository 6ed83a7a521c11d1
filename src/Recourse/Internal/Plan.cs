using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse;

/// <summary>What a pipeline is made of at one moment. Immutable: a reload swaps the whole plan, and calls in flight keep theirs.</summary>
internal sealed class Plan(
    string name, Strategy[] strategies, FaultClassifier classifier, TimeProvider time, ILogger logger, PipelineCounters? counters)
{
    internal readonly Strategy[] Strategies = strategies;
    internal readonly FaultClassifier Classifier = classifier;
    internal readonly TimeProvider Time = time;
    internal readonly ILogger Logger = logger;
    internal readonly string Name = name;
    private PipelineCounters? _counters = counters;

    // Made when there is something to count: most pipelines of a registry never fail.
    internal PipelineCounters Counters =>
        Volatile.Read(ref _counters) ?? Interlocked.CompareExchange(ref _counters, new PipelineCounters(), null) ?? _counters;

    // The built-in classifier has no rule for any result, so most pipelines never look at one.
    internal readonly bool JudgesResults = !ReferenceEquals(classifier, FaultClassifier.Default);

    /// <summary>A function of the program that should have answered threw: it counts for nothing, and people are told.</summary>
    internal void FunctionFailed(string function, Exception exception)
    {
        Meters.ObserverFailed();
        Log.FunctionFailed(Logger, Name, function, exception);
    }

    /// <summary>An observer of the program threw: nothing changes, and people are told.</summary>
    internal void ObserverFailed(string observer, Exception exception)
    {
        Meters.ObserverFailed();
        Log.ObserverFailed(Logger, Name, observer, exception);
    }

    /// <summary>Whether something of the call travels to inner calls in the execution context.</summary>
    internal readonly bool Flows = Array.Exists(strategies, static strategy => strategy is DeadlineStrategy or TotalAttemptsStrategy);

    private Plan? _withDeadline;
    private Plan? _withTotalAttempts;

    /// <summary>The same plan inside the bounds of the call's own context; made when it is first needed.</summary>
    internal Plan Within(RecoveryContext context)
    {
        var plan = this;
        if (context.MaxTotalAttempts is not null) plan = plan._withTotalAttempts ??= plan.Around(TotalAttemptsStrategy.OfContext);
        if (context.Deadline is not null) plan = plan._withDeadline ??= plan.Around(DeadlineStrategy.OfContext);
        return plan;
    }

    private Plan Around(Strategy outermost) => new(Name, [outermost, .. Strategies], Classifier, Time, Logger, Counters);

    /// <summary>
    /// This plan with the name, the clock and the state of another: its breakers, bulkheads, rate limits and budgets, in order.
    /// </summary>
    internal Plan TakeOver(Plan other)
    {
        var strategies = (Strategy[])Strategies.Clone();
        var next = new Dictionary<Type, int>();
        for (var i = 0; i < strategies.Length; i++)
        {
            var type = strategies[i].GetType();
            var number = next.GetValueOrDefault(type);
            next[type] = number + 1;
            if (other.Strategies.Where(strategy => strategy.GetType() == type).ElementAtOrDefault(number) is { } before)
                strategies[i] = Merged(before, strategies[i]);
        }

        return new Plan(other.Name, strategies, Classifier, other.Time, ReferenceEquals(Logger, NullLogger.Instance)
            ? other.Logger : Logger, other.Counters);
    }

    private static Strategy Merged(Strategy before, Strategy next)
    {
        switch (before, next)
        {
            case (CircuitBreakerStrategy old, CircuitBreakerStrategy fresh):
                if (!ReferenceEquals(old.Breaker, fresh.Breaker)) old.Breaker.Reload(fresh.Breaker.Options);
                return old;
            case (BulkheadStrategy old, BulkheadStrategy fresh):
                if (!ReferenceEquals(old.Bulkhead, fresh.Bulkhead)) old.Bulkhead.Reload(fresh.Bulkhead.Options);
                return old;
            case (RateLimitStrategy old, RateLimitStrategy fresh):
                if (!ReferenceEquals(old.Limit, fresh.Limit)) old.Limit.Reload(fresh.Limit.Options);
                return old;
            case (RetryStrategy old, RetryStrategy fresh):
                return fresh.WithBudgetOf(old);
            default:
                return next;
        }
    }
}
