namespace Recourse;

// How a call begins, and what its caller gets when it has ended at once.
public sealed partial class Pipeline
{
    internal ValueTask<T> ExecuteWork<T, TWork>(in TWork work, RecoveryContext context, CancellationToken token)
        where TWork : struct, IWork<T> => Begin(Execution<T, TWork>.Rent(PlanFor(context), work, context.Checked(), token));

    private static ValueTask<T> Bare<T, TState>(Func<TState, CancellationToken, ValueTask<T>> call, TState state, CancellationToken token)
    {
        try
        {
            return call(state, token);
        }
        catch (Exception e)
        {
            return ValueTask.FromException<T>(e);
        }
    }

    private static ValueTask<T> Begin<T, TWork>(Execution<T, TWork> execution)
        where TWork : struct, IWork<T>
    {
        var version = execution.Version;
        if (!Start(execution)) return new ValueTask<T>(execution, version);
        return execution.Failure is null ? new ValueTask<T>(execution.Finish()) : execution.Failed();
    }

    private static ValueTask BeginVoid<TWork>(Execution<Nothing, TWork> execution)
        where TWork : struct, IWork<Nothing>
    {
        var version = execution.Version;
        if (!Start(execution)) return new ValueTask(execution, version);
        if (execution.Failure is not null) return execution.FailedVoid();
        execution.Finish();
        return default;
    }

    private static ValueTask<Outcome<T>> BeginTry<T, TWork>(Execution<T, TWork> execution)
        where TWork : struct, IWork<T>
    {
        var version = execution.Version;
        return Start(execution) ? new ValueTask<Outcome<T>>(execution.FinishOutcome()) : new ValueTask<Outcome<T>>(execution, version);
    }

    private static void Run(Call execution)
    {
        if (!Start(execution)) throw new InvalidOperationException("A synchronous call was suspended.");
    }

    private static bool Start(Call execution)
    {
        var listens = Meters.Listens;
        return execution.Plan.Flows || listens ? StartFlowing(execution, listens) : execution.Start();
    }

    // A deadline, a bound of attempts and an activity travel to inner calls in the execution context, and must not stay in the caller's.
    private static bool StartFlowing(Call execution, bool listens)
    {
        var flow = ExecutionContext.Capture();
        try
        {
            if (listens) execution.Observe();
            return execution.Start();
        }
        finally
        {
            if (flow is not null) ExecutionContext.Restore(flow);
        }
    }

    // A bound given with the call is a strategy around all others, put there when the first such call comes.
    private Plan PlanFor(RecoveryContext context) =>
        context is { Deadline: null, MaxTotalAttempts: null } ? _plan : _plan.Within(context);
}
