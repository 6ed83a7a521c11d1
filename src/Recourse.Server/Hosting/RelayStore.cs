using Recourse.Durable;
using Recourse.Server.Metrics;
using Recourse.Server.Redaction;

namespace Recourse.Server;

/// <summary>
/// The store as everybody but the dispatcher sees it: after each commit it wakes the services that have work now, counts, and notes whether
/// the
/// store is well. So the API, the dashboard and an application that hosts the relay cannot forget to.
/// </summary>
internal sealed class RelayStore(
    MessageStore inner, StoreHealth health, RelayMeters meters, Func<Dispatcher?> dispatcher, Func<ControlCommand, Task> controlled,
    Func<Task> keysChanged, Func<Redactor> redactor)
    : MessageStore
{
    public override StoreQueries Queries => new PayloadQueries(inner.Queries, (payload, _) => redactor().Payload(payload));

    public override StoreNodes? Nodes => inner.Nodes;

    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => inner.OpenAsync(cancellationToken);

    public override async ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command,
        CancellationToken cancellationToken = default) =>
        command is EditPayloadCommand edit && await UnmaskedAsync(edit, cancellationToken) is { } whole
            ? (TResult)(object)await CommitWholeAsync(whole, cancellationToken) : await CommitWholeAsync(command, cancellationToken);

    private async ValueTask<TResult> CommitWholeAsync<TResult>(StoreCommand<TResult> command, CancellationToken cancellationToken)
    {
        TResult result;
        try
        {
            result = await inner.CommitAsync(command, cancellationToken);
        }
        catch (StoreException error)
        {
            health.Refused(error, command is EnqueueCommand refused ? refused.Message.Body.Length : 0);
            throw;
        }
        Committed(command);
        if (command is ControlCommand control)
            await controlled(control);
        else if (command is AddKeyCommand or RemoveKeyCommand)
            await keysChanged();
        return result;
    }

    // Whoever edits was shown masks; what they stand for is put back before it is stored. Null when there is none.
    private async Task<EditPayloadCommand?> UnmaskedAsync(EditPayloadCommand edit, CancellationToken cancellationToken)
    {
        if (await inner.Queries.PayloadAsync(edit.Id, cancellationToken) is not { } stored)
            return null;
        var body = redactor().Restore(edit.Body, stored.Body);
        return body.Equals(edit.Body) ? null : new EditPayloadCommand(edit.Id, edit.Actor, edit.Reason, body)
        {
            ContentType = edit.ContentType,
            // The masks were put back from this one; another one must not have come between.
            IfEdits = edit.IfEdits ?? stored.Edits,
        };
    }

    public override Task<StoreBackup> BackupAsync(string path, CancellationToken cancellationToken = default) =>
        inner.BackupAsync(path, cancellationToken);

    public override Task TrimAsync() => inner.TrimAsync();

    private void Committed(StoreCommand command)
    {
        switch (command)
        {
            case EnqueueCommand enqueue:
                meters.Enqueued(enqueue.Message.Queue, enqueue.Result.Status);
                if (enqueue.Result.Status is not EnqueueStatus.Accepted)
                    break;
                health.Took();
                dispatcher()?.Notify(enqueue);
                break;
            case ProbeCommand:
                health.Took();
                break;
            case ReplayCommand replay:
                meters.DeadLetterActed("replayed", replay.Result);
                WakeAll();
                break;
            case DiscardCommand discard:
                meters.DeadLetterActed("discarded", discard.Result);
                WakeAll();
                break;
            case ResolveCommand resolve:
                meters.DeadLetterActed("resolved", resolve.Result);
                WakeAll();
                break;
            case ReplayBatchCommand { Result: { } sent }:
                meters.Replayed(sent.Replayed);
                break;
            case ReleaseNodeCommand { Result: not null }:
                dispatcher()?.CheckSuspects();
                break;
            case ExpireCommand { Result: > 0 } or ControlCommand:
                WakeAll();
                break;
        }
    }

    // The command names a delivery, not its service; a wake without work costs one empty claim.
    private void WakeAll()
    {
        if (dispatcher() is not { } running)
            return;
        foreach (var service in running.Status)
            running.Notify(service.Name);
    }

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
