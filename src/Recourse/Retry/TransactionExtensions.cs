namespace Recourse;

/// <summary>
/// Runs whole transactions again. What fails before the commit was rolled back, so it counts as not applied and is retried whatever the
/// operation is; what fails at the commit may have been applied, and is retried only where the caller says that it is repeatable.
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
/// <param name="End">Disposes of it and its connection, after commit or rollback; null when there is nothing to dispose of.</param>
public sealed record TransactionSteps<TTransaction>(
    Func<CancellationToken, ValueTask<TTransaction>> Begin,
    Func<TTransaction, CancellationToken, ValueTask> Commit,
    Func<TTransaction, ValueTask> Rollback,
    Func<TTransaction, ValueTask>? End = null);

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
        try
        {
            T result;
            try
            {
                result = await work(transaction, token).ConfigureAwait(false);
            }
            catch (Exception)
            {
                await Rollback(steps, transaction).ConfigureAwait(false);
                throw;
            }

            call.NotApplied = false;
            await steps.Commit(transaction, token).ConfigureAwait(false);
            return result;
        }
        finally
        {
            if (steps.End is { } end) await end(transaction).ConfigureAwait(false);
        }
    }

    // A rollback that fails leaves an open transaction, which the database rolls back when the connection ends: nothing was committed
    // either way.
    private static async ValueTask Rollback(TransactionSteps<TTransaction> steps, TTransaction transaction)
    {
        try
        {
            await steps.Rollback(transaction).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            ObserverErrors.Report(e);
        }
    }
}
