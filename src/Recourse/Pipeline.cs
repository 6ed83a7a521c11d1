namespace Recourse;

/// <summary>
/// Strategies in order around a call. Built once by <see cref="PipelineBuilder"/>, immutable to its users, safe from any thread. A returned
/// <see cref="ValueTask{T}"/> is pooled: await it once. A call that ends at once, or that suspends, allocates nothing here.
/// </summary>
public sealed partial class Pipeline
{
    private volatile Plan _plan;

    internal Pipeline(Plan plan, IReadOnlyList<string> warnings)
    {
        _plan = plan;
        Warnings = warnings;
    }

    /// <summary>A pipeline without any strategy: the call as it is.</summary>
    public static Pipeline Empty { get; } = new PipelineBuilder("empty").Build();

    /// <summary>The name shown in logs and metrics.</summary>
    public string Name => _plan.Name;

    /// <summary>The strategies, outermost first.</summary>
    public IReadOnlyList<Strategy> Strategies => _plan.Strategies;

    /// <summary>What was doubtful about the order of the strategies when the pipeline was built; empty when nothing was.</summary>
    public IReadOnlyList<string> Warnings { get; private set; }

    /// <summary>The circuit breakers of the pipeline, outermost first: to read, isolate, trip or reset them.</summary>
    public IEnumerable<CircuitBreaker> CircuitBreakers =>
        _plan.Strategies.OfType<CircuitBreakerStrategy>().Select(strategy => strategy.Breaker);

    /// <summary>The bulkheads of the pipeline, outermost first.</summary>
    public IEnumerable<Bulkhead> Bulkheads => _plan.Strategies.OfType<BulkheadStrategy>().Select(strategy => strategy.Bulkhead);

    /// <summary>The rate limits of the pipeline, outermost first.</summary>
    public IEnumerable<RateLimit> RateLimits => _plan.Strategies.OfType<RateLimitStrategy>().Select(strategy => strategy.Limit);

    /// <summary>What the pipeline has done so far.</summary>
    public PipelineStatistics Statistics => _plan.Counters.Read(_plan.Strategies);

    /// <summary>The budgets that retries of the pipeline are paid from, outermost first.</summary>
    public IEnumerable<RetryBudget> RetryBudgets =>
        _plan.Strategies.OfType<RetryStrategy>().Select(strategy => strategy.Budget).OfType<RetryBudget>();

    /// <summary>How the pipeline is now: open circuits, spent budgets, abandoned work.</summary>
    public PipelineHealth Health => PipelineHealth.Of(_plan);

    internal Plan Plan => _plan;

    /// <summary>Runs a call that returns a value.</summary>
    /// <param name="call">The operation. Make it static and pass what it needs as <paramref name="state"/>, and nothing is
    /// allocated.</param>
    /// <param name="state">Handed to the operation.</param>
    /// <param name="token">The caller's token; cancelling it ends waits, and reaches the operation.</param>
    /// <exception cref="RejectedException">A strategy refused the call.</exception>
    /// <exception cref="TimeoutExceededException">A time limit passed.</exception>
    public ValueTask<T> ExecuteAsync<T, TState>(Func<TState, CancellationToken, ValueTask<T>> call, TState state,
        CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        var plan = _plan;
        return plan.Strategies.Length == 0
            ? Bare(call, state, token)
            : Begin(Execution<T, StateWork<T, TState>>.Rent(plan, new(call, state), RecoveryContext.None, token));
    }

    /// <summary>Runs a call that returns a value and needs no state.</summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CancellationToken,ValueTask{T}},TState,CancellationToken)"/>
    public ValueTask<T> ExecuteAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return ExecuteAsync(static (call, token) => call(token), call, token);
    }

    /// <summary>Runs a call that returns nothing.</summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CancellationToken,ValueTask{T}},TState,CancellationToken)"/>
    public ValueTask ExecuteAsync<TState>(Func<TState, CancellationToken, ValueTask> call, TState state, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return BeginVoid(Execution<Nothing, VoidWork<TState>>.Rent(_plan, new(call, state), RecoveryContext.None, token));
    }

    /// <summary>Runs a call that returns nothing and needs no state.</summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CancellationToken,ValueTask{T}},TState,CancellationToken)"/>
    public ValueTask ExecuteAsync(Func<CancellationToken, ValueTask> call, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return ExecuteAsync(static (call, token) => call(token), call, token);
    }

    /// <summary>Runs a call about which more is known: its operation, deadline, attempts, whether it is repeatable.</summary>
    /// <param name="call">The operation; it is told which attempt it is.</param>
    /// <param name="state">Handed to the operation.</param>
    /// <param name="context">What is known.</param>
    /// <param name="token">The caller's token.</param>
    /// <exception cref="InvalidOptionsException">A member of <paramref name="context"/> is out of range.</exception>
    public ValueTask<T> ExecuteAsync<T, TState>(
        Func<TState, CallAttempt, ValueTask<T>> call, TState state, RecoveryContext context, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(context);
        return Begin(Execution<T, AttemptWork<T, TState>>.Rent(PlanFor(context), new(call, state), context.Checked(), token));
    }

    /// <summary>Runs a call; how it ended comes back as a value, and no failure is thrown.</summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CancellationToken,ValueTask{T}},TState,CancellationToken)"/>
    public ValueTask<Outcome<T>> TryExecuteAsync<T, TState>(
        Func<TState, CancellationToken, ValueTask<T>> call, TState state, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return BeginTry(Execution<T, StateWork<T, TState>>.Rent(_plan, new(call, state), RecoveryContext.None, token));
    }

    /// <summary>Runs a call that needs no state; how it ended comes back as a value, and no failure is thrown.</summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CancellationToken,ValueTask{T}},TState,CancellationToken)"/>
    public ValueTask<Outcome<T>> TryExecuteAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return TryExecuteAsync(static (call, token) => call(token), call, token);
    }

    /// <summary>Runs a call about which more is known; how it ended comes back as a value, and no failure is thrown.</summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CallAttempt,ValueTask{T}},TState,RecoveryContext,CancellationToken)"/>
    public ValueTask<Outcome<T>> TryExecuteAsync<T, TState>(
        Func<TState, CallAttempt, ValueTask<T>> call, TState state, RecoveryContext context, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        ArgumentNullException.ThrowIfNull(context);
        return BeginTry(Execution<T, AttemptWork<T, TState>>.Rent(PlanFor(context), new(call, state), context.Checked(), token));
    }

    /// <summary>
    /// Runs a synchronous call on this thread from end to end. Waits of the pipeline (a backoff, a queue) block the thread on a signal of a
    /// timer or of a released permit; it never blocks on asynchronous work, and a strategy that would need to fails the call instead.
    /// </summary>
    /// <inheritdoc cref="ExecuteAsync{T,TState}(Func{TState,CancellationToken,ValueTask{T}},TState,CancellationToken)"/>
    public T Execute<T, TState>(Func<TState, CancellationToken, T> call, TState state, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        var execution = Execution<T, SyncWork<T, TState>>.Rent(_plan, new(call, state), RecoveryContext.None, token, synchronous: true);
        Run(execution);
        return execution.Finish();
    }

    /// <summary>Runs a synchronous call that needs no state.</summary>
    /// <inheritdoc cref="Execute{T,TState}(Func{TState,CancellationToken,T},TState,CancellationToken)"/>
    public T Execute<T>(Func<CancellationToken, T> call, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        return Execute(static (call, token) => call(token), call, token);
    }

    /// <summary>Runs a synchronous call that returns nothing.</summary>
    /// <inheritdoc cref="Execute{T,TState}(Func{TState,CancellationToken,T},TState,CancellationToken)"/>
    public void Execute(Action<CancellationToken> call, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        Execute(
            static (call, token) =>
            {
                call(token);
                return default(Nothing);
            },
            call,
            token);
    }

    /// <summary>Runs a synchronous call; how it ended comes back as a value, and no failure is thrown.</summary>
    /// <inheritdoc cref="Execute{T,TState}(Func{TState,CancellationToken,T},TState,CancellationToken)"/>
    public Outcome<T> TryExecute<T, TState>(Func<TState, CancellationToken, T> call, TState state, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(call);
        var execution = Execution<T, SyncWork<T, TState>>.Rent(_plan, new(call, state), RecoveryContext.None, token, synchronous: true);
        Run(execution);
        return execution.FinishOutcome();
    }

    /// <summary>
    /// Puts other strategies and options in place. The first breaker takes over the state of the first breaker before it, and so on; so do
    /// bulkheads, rate limits and the budgets of retries. Calls in flight end by the strategies with which they began.
    /// </summary>
    /// <param name="next">The pipeline as it should be; its name and its clock are ignored.</param>
    /// <exception cref="InvalidOptionsException">The strategies stand in an order that cannot work; the pipeline stays as it
    /// was.</exception>
    public void Reload(PipelineBuilder next)
    {
        ArgumentNullException.ThrowIfNull(next);
        var plan = next.BuildPlan(_plan.Counters, out var warnings);
        _plan = plan.TakeOver(_plan);
        Warnings = warnings;
    }

    /// <summary>The pipeline for people: one line for each strategy, outermost first.</summary>
    public string Describe()
    {
        var plan = _plan;
        if (plan.Strategies.Length == 0) return $"{plan.Name}: no strategies";
        return string.Join('\n', plan.Strategies.Select((strategy, i) =>
            $"{new string(' ', 2 * (i + 1))}{strategy.Describe()}").Prepend($"{plan.Name}:"));
    }

    /// <inheritdoc/>
    public override string ToString() => Describe();
}
