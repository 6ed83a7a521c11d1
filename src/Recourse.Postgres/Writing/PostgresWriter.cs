using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// The connection that writes, on the pump's thread. A batch is one transaction: new messages and completions by one statement each, the
/// rest one by one. When a command fails, the batch runs again with a savepoint around each command. A lost connection is made anew with
/// the next batch.
/// </summary>
internal sealed class PostgresWriter(NpgsqlDataSource source, Func<long>? clock) : IDisposable
{
    private const int Tries = 3;

    private readonly Books _books = new();
    private readonly Letters _letters = new();
    private readonly Lanes _lanes = new();
    private readonly ControlWriter _controls = new();
    private readonly LostClaims _lost = new();
    private NpgsqlConnection? _connection;
    private EnqueueWriter? _enqueue;
    private ClaimWriter? _claim;
    private OutcomeWriter? _outcome;
    private DeadLetterWriter? _deadLetter;
    private LetterMarksWriter? _marks;
    private ReplayWriter? _replay;
    private LeaseEnd? _leaseEnd;
    private ImportWriter? _import;

    /// <summary>The number under which this node is registered; claims are made in its name. 0 while it has none.</summary>
    public required Func<long> Node { get; init; }

    /// <inheritdoc cref="PostgresMessageStore.BetweenTransactions"/>
    public Action<NpgsqlConnection>? BetweenTransactions { get; set; }

    /// <inheritdoc cref="PostgresMessageStore.AfterCommit"/>
    public Action? AfterCommit { get; set; }

    /// <summary>Connects, migrates, and ends the leases of nodes that left some.</summary>
    public StoreOpening Open(Func<string, bool> blocksLaneWhenDead)
    {
        (_enqueue, _claim, _outcome) = (new(_books, _lanes), new(_books, _controls, _lanes), new(_books, _letters));
        (_deadLetter, _marks) = (new(_books, _letters), new(_letters));
        _replay = new(_deadLetter, _letters);
        _leaseEnd = new(_books, _letters) { BlocksLane = blocksLaneWhenDead };
        _import = new(_books, _letters);
        var sql = Connect();
        using var transaction = _connection!.BeginTransaction();
        PostgresSchema.Migrate(sql, _connection.Database);
        var now = sql.Begin(clock);
        _enqueue.Continue(sql);
        _letters.Lock(sql);
        var opening = _leaseEnd.Apply(sql, now, null);
        WriteSums(sql, now);
        transaction.Commit();
        return opening;
    }

    private Sql Connect()
    {
        if (_connection is not { State: System.Data.ConnectionState.Open })
        {
            _connection?.Dispose();
            _connection = source.OpenConnection();
        }
        BetweenTransactions?.Invoke(_connection);
        return new(_connection);
    }

    public void Commit(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (!TryAll(batch, errors))
                    EachAlone(batch, errors);
                return;
            }
            catch (Exception error) when (attempt < Tries && PostgresErrors.IsPassing(error))
            {
                errors.Clear();
            }
            catch (Exception error)
            {
                throw PostgresErrors.AsStoreException(error);
            }
        }
    }

    private bool TryAll(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        var sql = Connect();
        using var transaction = _connection!.BeginTransaction();
        try
        {
            ApplyAll(sql, batch);
            transaction.Commit();
            AfterCommit?.Invoke();
            _claim!.Leases.Clear();
            return true;
        }
        catch (Exception error)
        {
            Forget();
            if (!PostgresErrors.IsOfCommand(error))
                throw;
            if (batch.Length > 1)
                return false;
            errors[0] = PostgresErrors.AsStoreException(error);
            return true;
        }
    }

    private void EachAlone(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        var sql = Connect();
        using var transaction = _connection!.BeginTransaction();
        try
        {
            for (var i = 0; i < batch.Length; i++)
            {
                transaction.Save("command");
                try
                {
                    ApplyAll(sql, batch.Slice(i, 1));
                }
                catch (Exception error) when (PostgresErrors.IsOfCommand(error))
                {
                    transaction.Rollback("command");
                    Forget();
                    errors[i] = PostgresErrors.AsStoreException(error);
                }
            }
            transaction.Commit();
            _claim!.Leases.Clear();
        }
        catch
        {
            Forget();
            throw;
        }
    }

    /// <summary>What is summed up over all commands of a commit.</summary>
    private void WriteSums(Sql sql, long now)
    {
        _books.Write(sql, now);
        _letters.Write(sql);
    }

    // A transaction whose end is not known may have been committed: what it claimed, nobody has in hand.
    private void Forget()
    {
        _lost.Add(_claim!.Leases);
        _claim.Leases.Clear();
        _books.Forget();
        _letters.Forget();
        _controls.Forget();
    }

    /// <summary>
    /// In one order of locks on every node, so that batches wait for each other but never in a circle: the letters, the idempotency keys by
    /// name, the lanes by name, deliveries.
    /// </summary>
    private void ApplyAll(Sql sql, ReadOnlySpan<StoreCommand> batch)
    {
        var now = sql.Begin(clock);
        var enqueues = new List<EnqueueCommand>();
        var completes = new List<CompleteCommand>();
        var ending = new List<DeliveryId>();
        var (letters, claims) = (false, false);
        foreach (var command in batch)
        {
            if (command is EnqueueCommand enqueue)
                enqueues.Add(enqueue);
            else if (command is CompleteCommand complete)
                completes.Add(complete);
            if (Ends(command) is { } id)
                ending.Add(id);
            letters |= TouchesLetters(command);
            claims |= command is ClaimCommand;
        }
        if (letters)
            _letters.Lock(sql);
        var fresh = enqueues.Count == 0 ? [] : _enqueue!.Admit(sql, enqueues, now);
        _lanes.Lock(sql, fresh.Select(enqueue => enqueue.Message), ending);
        if (fresh.Count > 0)
            _enqueue!.Insert(sql, fresh, now);
        _lanes.SettleFresh(sql);
        _lost.Release(sql, _outcome!, now);
        if (completes.Count > 0)
            _outcome!.Apply(sql, completes, now);
        var holder = claims ? Registered(sql) : 0;
        foreach (var command in batch)
        {
            if (command is ClaimCommand claim)
                claim.Result = holder == 0 ? NotRegistered(now) : _claim!.Apply(sql, claim, holder, now);
            else
                Apply(sql, command, now);
        }
        WriteSums(sql, now);
    }

    private static DeliveryId? Ends(StoreCommand command) => command switch
    {
        CompleteCommand complete => complete.Id,
        FailCommand fail => fail.Id,
        ReleaseCommand release => release.Id,
        _ => null,
    };

    private static bool TouchesLetters(StoreCommand command) => command switch
    {
        FailCommand fail => fail.Decision.Action is DeliveryAction.DeadLetter,
        EnqueueCommand or CompleteCommand or ClaimCommand or ReleaseCommand or PruneCommand or ProbeCommand or ExpireCommand
            or ControlCommand or MoveReplayCommand or PruneReplaysCommand or ResetServiceCommand
            or NoteActCommand or PruneAuditCommand or NotePayloadKeyCommand => false,
        _ => true,
    };

    // Others may have declared this node dead; what it claimed now would be nobody's.
    private long Registered(Sql sql)
    {
        var node = Node();
        return sql.Scalar("SELECT 1 FROM nodes WHERE id = $1", node) is null ? 0 : node;
    }

    private static ClaimResult NotRegistered(long now) => new([], StoreTime.Nearest(now + 1_000_000));

    private void Apply(Sql sql, StoreCommand command, long now)
    {
        switch (command)
        {
            case EnqueueCommand or CompleteCommand: break;
            case TakeOverCommand takeOver: takeOver.Result = _leaseEnd!.Apply(sql, takeOver, now); break;
            case ReleaseNodeCommand release: release.Result = _leaseEnd!.Apply(sql, release, now); break;
            case ResetServiceCommand reset: reset.Result = ControlWriter.Apply(sql, reset); break;
            case FailCommand fail: fail.Result = _outcome!.Apply(sql, fail, now); break;
            case ReleaseCommand release: release.Result = _outcome!.Apply(sql, release); break;
            case ReplayCommand replay: replay.Result = _deadLetter!.Apply(sql, replay, now); break;
            case DiscardCommand discard: discard.Result = _deadLetter!.Apply(sql, discard, now); break;
            case ResolveCommand resolve: resolve.Result = _deadLetter!.Apply(sql, resolve, now); break;
            case EditPayloadCommand edit: edit.Result = _marks!.Apply(sql, edit, now); break;
            case AnnotateCommand annotate: annotate.Result = _marks!.Apply(sql, annotate, now); break;
            case TakeCommand take: take.Result = _marks!.Apply(sql, take, now); break;
            case LetGoCommand letGo: letGo.Result = _marks!.Apply(sql, letGo, now); break;
            case ImportLetterCommand import: import.Result = _import!.Apply(sql, import, now); break;
            case IndexLettersCommand index: index.Result = _letters.Apply(sql, index); break;
            case PruneCommand prune: prune.Result = DeadLetterWriter.Apply(sql, prune, now); break;
            case ProbeCommand probe: probe.Result = DeadLetterWriter.Apply(sql, probe); break;
            case ExpireCommand expire: expire.Result = ExpiryWriter.Apply(sql, _books, expire, now); break;
            case ControlCommand control: control.Result = _controls.Apply(sql, control, now); break;
            case StartReplayCommand start: start.Result = _replay!.Apply(sql, start, now); break;
            case ReplayBatchCommand replays: replays.Result = _replay!.Apply(sql, replays, now); break;
            case MoveReplayCommand move: move.Result = ReplayWriter.Apply(sql, move, now); break;
            case PruneReplaysCommand gone: gone.Result = ReplayWriter.Apply(sql, gone, now); break;
            case AddKeyCommand key: key.Result = AccessWriter.Apply(sql, key, now); break;
            case RemoveKeyCommand key: key.Result = AccessWriter.Apply(sql, key, now); break;
            case NoteActCommand note: note.Result = true; break;
            case NotePayloadKeyCommand note: note.Result = AccessWriter.Apply(sql, note); break;
            case ReplacePayloadCommand replace: replace.Result = AccessWriter.Apply(sql, replace); break;
            case PruneAuditCommand old: old.Result = AccessWriter.Apply(sql, old, now); break;
            default: throw new StoreException($"The PostgreSQL store does not know {command.GetType().Name} yet.", StoreProblem.Other);
        }
        AccessWriter.Note(sql, command, now);
    }

    public void Dispose() => _connection?.Dispose();
}
