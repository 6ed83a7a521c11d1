namespace Recourse.Durable;

/// <summary>
/// One change to the store. Many commands are committed together; each succeeds or fails for itself. Decisions are made before a command is
/// written: the store compares (lease, state, key) and sets, nothing more.
/// </summary>
public abstract class StoreCommand
{
    private protected StoreCommand() { }

    /// <summary>Ends the wait of the caller: called once, after the commit.</summary>
    internal abstract void Finish();

    /// <summary>Ends the wait of the caller with an error: called once, when the command or its batch was rolled back.</summary>
    internal abstract void Abort(Exception error);
}

/// <summary>A command with its result. Stores set <see cref="Result"/> while they apply it; the caller sees it after the commit.</summary>
public abstract class StoreCommand<TResult> : StoreCommand
{
    // Continuations run on the pool: the writer goes on to its next batch at once.
    private readonly TaskCompletionSource<TResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private protected StoreCommand() { }

    /// <summary>What the store found; read it only after the command was committed.</summary>
    public TResult Result { get; set; } = default!;

    internal Task<TResult> Done => _done.Task;

    internal override void Finish() => _done.TrySetResult(Result);

    internal override void Abort(Exception error) => _done.TrySetException(error);
}

/// <summary>
/// Something that must run on the thread that writes, between two commits: a step of a backup. It changes nothing in the store. The
/// stores that have such a thread run it; others do not know it.
/// </summary>
internal sealed class BetweenCommitsCommand(Action action) : StoreCommand<bool>
{
    public void Run() => action();
}
