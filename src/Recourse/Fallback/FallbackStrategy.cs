using System.Collections.Frozen;

namespace Recourse;

/// <summary>Answers for a call that failed. What the order of a pipeline has to know of it.</summary>
internal abstract class FallbackStrategy() : Strategy("fallback")
{
    internal abstract bool HandlesAll { get; }
}

/// <summary>Answers for a call of one result type.</summary>
internal sealed class FallbackStrategy<T>(FallbackOptions<T> options) : FallbackStrategy
{
    private readonly FrozenSet<FaultKind>? _kinds = options.On?.ToFrozenSet();
    private readonly FrozenSet<FaultCategory>? _categories = options.OnCategories?.ToFrozenSet();

    internal override bool HandlesAll => _kinds is null && _categories is null && options.OnTimeout;

    public override string Describe()
    {
        var answer = options.ByOperation is { Count: var count }
            ? $"{count} operations" : options.Function is not null ? "a function" : "a value";
        return $"fallback: {answer} for {typeof(T).Name}{(HandlesAll ? "" : ", on some faults")}";
    }

    public override Step Enter(Call call, ref Frame frame) => Step.Next;

    public override Step Exit(Call call, ref Frame frame)
    {
        if (call.Succeeded || call is not Call<T> typed) return Step.Next;
        return call.Verdict is { Judgement: Judgement.Failure, Classification: { } fault } && Handles(fault)
            ? Answer(typed, ref frame, fault) : Step.Next;
    }

    public override Step Resume(Call call, ref Frame frame)
    {
        var task = (Task<T>)frame.State!;
        frame.State = null;
        Settle((Call<T>)call, new ValueTask<T>(task));
        return Step.Next;
    }

    private bool Handles(Classification fault)
    {
        if (!options.OnTimeout && fault.Kind is FaultKind.Timeout or FaultKind.DeadlineExceeded) return false;
        if (_kinds is null && _categories is null) return true;
        return _kinds?.Contains(fault.Kind) == true || _categories?.Contains(fault.Category) == true;
    }

    private Step Answer(Call<T> call, ref Frame frame, Classification fault)
    {
        var question = new FallbackQuestion(fault, call.Exception ?? call.Rejection?.ToException(), call.Context);
        if (FunctionFor(call) is not { } function)
        {
            if (!options.AnswersByValue) return Step.Next;
            Announce(call, question);
            Succeed(call, options.Value!);
            return Step.Next;
        }

        Announce(call, question);
        ValueTask<T> answer;
        try
        {
            answer = function(question, call.CallerToken);
        }
        catch (Exception e)
        {
            Failed(call, e);
            return Step.Next;
        }

        if (answer.IsCompleted)
        {
            Settle(call, answer);
            return Step.Next;
        }

        var task = answer.AsTask();
        frame.State = task;
        call.WakeWhen(task);
        return Step.Pending;
    }

    private Func<FallbackQuestion, CancellationToken, ValueTask<T>>? FunctionFor(Call call) =>
        call.Context.Operation is { } operation && options.ByOperation?.TryGetValue(operation, out var own) == true
            ? own : options.Function;

    private static void Settle(Call<T> call, ValueTask<T> answer)
    {
        if (answer.IsCompletedSuccessfully) Succeed(call, answer.Result);
        else Failed(call, Failures.Of(answer));
    }

    private static void Succeed(Call<T> call, T answer)
    {
        var kind = call.Verdict.Classification!.Kind;
        call.Plan.Counters.FellBack();
        Meters.FellBack(call.Plan, kind);
        Log.FellBack(call.Plan.Logger, call.Plan.Name, call.Context.Operation, kind);
        // Nobody gets the result that was judged a failure, unless it is the answer.
        if (call.Result is IDisposable bad && !ReferenceEquals(bad, answer)) call.Discard();
        call.SetResult(answer);
    }

    // The caller learns what went wrong first; that the answer went wrong too is for the log.
    private static void Failed(Call call, Exception exception) =>
        call.Plan.FunctionFailed(nameof(FallbackOptions<>.Function), exception);

    private void Announce(Call call, in FallbackQuestion question)
    {
        if (options.OnFallback is not { } observer) return;
        try
        {
            observer(question);
        }
        catch (Exception e)
        {
            call.Plan.ObserverFailed(nameof(FallbackOptions<>.OnFallback), e);
        }
    }
}
