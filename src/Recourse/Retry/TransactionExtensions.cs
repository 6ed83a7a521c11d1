namespace Recourse;

/// <summary>
/// Runs whole transactions again. What fails before the commit was rolled back, so it counts as not applied and is retried whatever the
/// operation is; what fails at the commit may have been applied: <see cref="TransactionSteps{TTransaction}.Verify"/> finds out, and
/// without it the transaction is retried only where the caller says that it is repeatable.
/// </summary>
public static class TransactionExtensions
{
    /// <summary>
    /// Begins a transaction, runs the work in it and commits; rolls back and begins anew when that fails in a way that may pass. Give the
    /// retry the scope <see cref="RetryScope.Transaction"/>, so that deadlocks and serialisation failures are retried.
    /// </summary>
    /// <typeparam name="TTransaction">Whatever stands for a transaction, for example a DbTransaction with its connection.</typeparam>
    /// <typeparam name="T">What the work returns.</typeparam>
    /// <param name="pipeline">The pipeline, for example <see cref="Pipelines.Database"/>.</param>
    /// <param name="steps">How to begin, commit and roll back.</param>
    /// <param name="work">The work; it must keep nothing from an earlier attempt.</param>
    /// <param name="context">What is known about the call; null for nothing.</param>
    /// <param name="token">The caller's token.</param>
    public static ValueTask<T> ExecuteTransactionAsync<TTransaction, T>(
        this Pipeline pipeline, TransactionSteps<TTransaction> steps, Func<TTransaction, CancellationToken, ValueTask<T>> work,
        RecoveryContext? context = null, CancellationToken token = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(steps);
        ArgumentNullException.ThrowIfNull(work);
        return pipeline.ExecuteWork<T, TransactionWork<TTransaction, T>>(new(steps, work), context ?? RecoveryContext.None, token);
    }
}

/// <summary>How a transaction begins and ends.</summary>
/// <typeparam name="TTransaction">Whatever stands for a transaction.</typeparam>
/// <param name="Begin">Opens a transaction.</param>
/// <param name="Commit">Makes it lasting.</param>
/// <param name="Rollback">Undoes it. What it throws is dropped: the failure that led to it is what counts. Called without a token.</param>
/// <param name="End">
/// Disposes of it and its connection, after commit or rollback; null when there is nothing to dispose of. What it throws after a commit is
/// dropped: the work is done.
/// </param>
/// <param name="Verify">
/// Asked, on a connection of its own, when a commit failed in a way that leaves open whether it happened: true ends the call with the
/// result of the work, false runs the transaction again, null (its answer, the function, or when it throws) leaves it unknown. The work
/// has to leave something to look for, such as a row with the id of the request.
/// </param>
public sealed record TransactionSteps<TTransaction>(
    Func<CancellationToken, ValueTask<TTransaction>> Begin,
    Func<TTransaction, CancellationToken, ValueTask> Commit,
    Func<TTransaction, ValueTask> Rollback,
    Func<TTransaction, ValueTask>? End = null,
    Func<TTransaction, CancellationToken, ValueTask<bool?>>? Verify = null);

internal readonly struct TransactionWork<TTransaction, T>(
    TransactionSteps<TTransaction> steps, Func<TTransaction, CancellationToken, ValueTask<T>> work) : IWork<T>
{
    public bool Start(Call<T> call) => call.Take(Run(call, steps, work, call.Token));

    public void Collect(Call<T> call) => call.Collect();

    // The call is ours until this task ends, so the mark may be set from here.
    private static async ValueTask<T> Run(
        Call<T> call, TransactionSteps<TTransaction> steps, Func<TTransaction, CancellationToken, ValueTask<T>> work,
        CancellationToken token)
    {
        call.NotApplied = true;
        var transaction = await steps.Begin(token).ConfigureAwait(false);
        var committed = false;
        try
        {
            T result;
            try
            {
                result = await work(transaction, token).ConfigureAwait(false);
            }
            catch (Exception)
            {
                await Quietly(call, steps.Rollback, transaction, nameof(steps.Rollback)).ConfigureAwait(false);
                throw;
            }

            call.NotApplied = false;
            try
            {
                await steps.Commit(transaction, token).ConfigureAwait(false);
                committed = true;
            }
            catch (Exception e)
            {
                committed = await Verified(call, steps, transaction, e, token).ConfigureAwait(false);
                if (!committed) throw;
            }

            return result;
        }
        finally
        {
            if (steps.End is { } end && committed) await Quietly(call, end, transaction, nameof(steps.End)).ConfigureAwait(false);
            else if (steps.End is { } close) await close(transaction).ConfigureAwait(false);
        }
    }

    // True when the commit is known to have happened; marks the call when it is known not to have.
    private static async ValueTask<bool> Verified(
        Call<T> call, TransactionSteps<TTransaction> steps, TTransaction transaction, Exception failure, CancellationToken token)
    {
        if (steps.Verify is not { } verify || token.IsCancellationRequested) return false;
        // The database said that it did not commit: there is nothing to find out.
        var fault = failure is RejectedException refused
            ? refused.Classification : call.Plan.Classifier.Judge(failure, call.CallerToken).Classification;
        if (fault is { Applied: Applied.No }) return false;
        try
        {
            var answer = await verify(transaction, token).ConfigureAwait(false);
            call.NotApplied = answer == false;
            return answer == true;
        }
        catch (Exception e)
        {
            call.Plan.FunctionFailed(nameof(steps.Verify), e);
            return false;
        }
    }

    // A rollback that fails leaves an open transaction, which the database rolls back when the connection ends: nothing was committed
    // either way. An end that fails after the commit takes nothing back.
    private static async ValueTask Quietly(Call<T> call, Func<TTransaction, ValueTask> step, TTransaction transaction, string name)
    {
        try
        {
            await step(transaction).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            call.Plan.ObserverFailed(name, e);
        }
    }
}
