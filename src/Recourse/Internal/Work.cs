using System.Runtime.CompilerServices;

namespace Recourse;

/// <summary>
/// The operation of a call. One small struct for each shape of delegate, so that no shape pays for another. Each Start is inlined into the
/// one place that catches: what a throw costs grows with the frames that it crosses.
/// </summary>
internal interface IWork<T>
{
    /// <summary>Begins the operation; true when it has ended and its outcome is set, false when it will go on by itself.</summary>
    bool Start(Call<T> call);

    /// <summary>Fetches the outcome of an operation that had to be waited for.</summary>
    void Collect(Call<T> call);
}

/// <summary>What a call without a result returns.</summary>
internal readonly struct Nothing;

internal readonly struct StateWork<T, TState>(Func<TState, CancellationToken, ValueTask<T>> run, TState state) : IWork<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Start(Call<T> call) => call.Take(run(state, call.Token));

    public void Collect(Call<T> call) => call.Collect();
}

internal readonly struct AttemptWork<T, TState>(Func<TState, CallAttempt, ValueTask<T>> run, TState state) : IWork<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Start(Call<T> call) => call.Take(run(state, new CallAttempt(call.AttemptNumber, call.Context, call.Token)));

    public void Collect(Call<T> call) => call.Collect();
}

internal struct VoidWork<TState>(Func<TState, CancellationToken, ValueTask> run, TState state) : IWork<Nothing>
{
    private ValueTask _pending;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Start(Call<Nothing> call)
    {
        var task = run(state, call.Token);
        if (task.IsCompletedSuccessfully)
        {
            task.GetAwaiter().GetResult();
            return true;
        }

        _pending = task;
        if (task.IsCompleted)
        {
            Collect(call);
            return true;
        }

        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(call.BeforeCallee());
        return false;
    }

    public void Collect(Call<Nothing> call)
    {
        var task = _pending;
        _pending = default;
        if (task.IsCompletedSuccessfully)
        {
            task.GetAwaiter().GetResult();
            call.SetResult(default);
        }
        else call.Fail(Failures.Of(task));
    }
}

internal readonly struct SyncWork<T, TState>(Func<TState, CancellationToken, T> run, TState state) : IWork<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Start(Call<T> call)
    {
        call.SetResult(run(state, call.Token));
        return true;
    }

    public void Collect(Call<T> call)
    {
    }
}
