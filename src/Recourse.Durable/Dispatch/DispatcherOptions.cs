using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse.Durable;

/// <summary>What a <see cref="Dispatcher"/> needs besides its store, its handler and its services.</summary>
public sealed record DispatcherOptions
{
    /// <summary>The name of this node, shown with each attempt. Default <c>local</c>.</summary>
    public string Node { get; init; } = "local";

    /// <summary>The policy of a queue, asked after each failed attempt, so that a reload counts at once. Default: the default policy for
    /// every queue.</summary>
    public Func<string, DeliveryPolicy> PolicyOf { get; init; } = _ => DefaultPolicy;

    /// <summary>
    /// How long a handler may go on after its token was cancelled. Then the attempt counts as failed and its lease ends; its permit of
    /// the bulkhead stays taken until the handler really ends. Default 5 s; zero or more.
    /// </summary>
    public TimeSpan AbandonAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a route sleeps at most while nothing wakes it. Default 5 s; more than zero.</summary>
    public TimeSpan SafetyPoll { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most deliveries of one claim; what else is due comes with the next. Default 64; at least 1.</summary>
    public int ClaimMax { get; init; } = 64;

    /// <summary>Retries of each service as a share of its traffic. An exhausted budget makes retries wait longer, it never fails
    /// them.</summary>
    public RetryBudgetOptions RetryBudget { get; init; } = new();

    /// <summary>Classifies what handlers throw. Default: the built-in table.</summary>
    public FaultClassifier Classifier { get; init; } = FaultClassifier.Default;

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where troubles are logged. Default: nowhere.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// Told after each outcome is committed, on the thread of the attempt, under no lock. What it throws is logged and changes nothing.
    /// Default: nobody.
    /// </summary>
    public Action<AttemptReport>? OnAttempt { get; init; }

    /// <summary>Random numbers in [0, 1) for jitter, from any thread. Default: the shared generator.</summary>
    public Func<double> Sample { get; init; } = Random.Shared.NextDouble;

    /// <summary>Where loops and attempts run. The pool; a simulation puts one thread of its own in its place.</summary>
    internal TaskScheduler Scheduler { get; init; } = TaskScheduler.Default;

    /// <summary>Waits without throwing, and goes on where it was.</summary>
    internal const ConfigureAwaitOptions Quietly = ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext;

    /// <summary>Begins something on the scheduler; the task ends with it.</summary>
    internal Task<T> Begin<T>(Func<Task<T>> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();

    /// <inheritdoc cref="Begin{T}"/>
    internal Task Begin(Func<Task> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.DenyChildAttach, Scheduler).Unwrap();

    private static DeliveryPolicy DefaultPolicy { get; } = new();

    // A decision must be made whatever the user's function does: without one the delivery would stay leased.
    internal DeliveryPolicy PolicyFor(string queue)
    {
        try
        {
            return PolicyOf(queue);
        }
        catch (Exception error)
        {
            DispatchLog.PolicyFailed(Logger, queue, error);
            return DefaultPolicy;
        }
    }

    internal DispatcherOptions Checked()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Node);
        ArgumentOutOfRangeException.ThrowIfLessThan(AbandonAfter, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(SafetyPoll, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(ClaimMax, 1);
        return this;
    }
}
