using Recourse.Durable;
using SQLitePCL;

namespace Recourse.Sqlite;

/// <summary>
/// The one connection that writes. A batch is one transaction and one fsync. First all commands run straight through; only when one fails
/// does the batch run again with a savepoint around each, so that the bad one fails alone and the good ones never pay for it.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private readonly SqliteDatabase _database;
    private readonly TimeProvider _time;
    private readonly Routes _routes;
    private readonly Names _nodes;
    private readonly HeldDeliveries _held;
    private readonly ArrivalWriter _arrivals;
    private readonly EnqueueWriter _enqueue;
    private readonly ClaimWriter _claim;
    private readonly OutcomeWriter _outcome;
    private readonly DeadLetterWriter _deadLetter;
    private readonly PruneWriter _prune;
    private readonly Removal _removal;
    private readonly Letters _letters;
    private readonly LetterMarksWriter _marks;
    private readonly Reserve _reserve;
    private readonly ExpiryWriter _expiry;
    private readonly ReplayWriter _replay;
    private readonly ImportWriter _import;
    private readonly ControlWriter _controls;
    private readonly AccessWriter _access;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;

    /// <summary>Opens the file, migrates it, marks this process as its owner and ends old leases.</summary>
    public SqliteWriter(
        string path, SqliteStoreOptions options, TimeProvider time, Func<string, bool> blocksLaneWhenDead, Func<IArrivals?> arrivals)
    {
        _time = time;
        _database = new(path, readOnly: false);
        try
        {
            var now = time.NowMicros();
            SqliteSchema.Configure(_database, options.Durability);
            var migration = SqliteSchema.Migrate(_database, options, now);
            _begin = _database.Prepare("BEGIN IMMEDIATE");
            _commit = _database.Prepare("COMMIT");
            _begin.Run();
            var boot = Own(now);
            _routes = new(_database);
            _nodes = new(_database, "nodes");
            _held = new(_database);
            var lanes = new Lanes(_database, _routes);
            var replays = new ReplayBooks(_database);
            _controls = new(_database);
            _access = new(_database);
            var attempts = new AttemptWriter(_database, _nodes);
            _arrivals = new(_held, _routes, _controls.Set, arrivals);
            _enqueue = new(_database, _routes, lanes, _nodes, _arrivals);
            _letters = new(_database, _routes);
            var finder = new LetterFinder(_database, _letters);
            _removal = new(_database);
            _outcome = new(_database, _routes, lanes, _held, attempts, _letters, replays, _removal);
            _expiry = new(_database, _routes, lanes, _outcome);
            _claim = new(_database, _routes, lanes, _held, _nodes, _expiry, _letters, replays, _controls.Set, boot);
            _deadLetter = new(_database, _routes, lanes, _outcome, finder);
            _marks = new(_database, finder);
            _replay = new(_database, _deadLetter, _letters);
            _import = new(_database, _routes, _enqueue, _held, attempts, _letters, finder);
            _prune = new(_database, _routes, _removal);
            Opening = LeaseEnd.Apply(_database, _routes, lanes, attempts, _letters, replays, blocksLaneWhenDead, now)
                with
            { Migration = migration };
            WriteSums();
            _commit.Run();
            // Twice what the log may hold, up to 4 MiB: copied, that makes the file longer, and what must go on needs room behind it.
            _reserve = new(path, Math.Clamp(2 * options.CheckpointBytes, 256 << 10, 4 << 20));
            _reserve.TryMake();
        }
        catch
        {
            _database.Dispose();
            throw;
        }
    }

    public StoreOpening Opening { get; }

    /// <summary>The connection, for checkpoints between batches.</summary>
    public SqliteDatabase Database => _database;

    private long Own(long now)
    {
        using var own = _database.Prepare(
            """
            INSERT INTO owner (id, boot, boot_id, process, host, since, sequence, last_id) VALUES (1, 1, ?1, ?2, ?3, ?4, 0, zeroblob(16))
            ON CONFLICT (id) DO UPDATE SET boot = boot + 1, boot_id = ?1, process = ?2, host = ?3, since = ?4 RETURNING boot
            """);
        own.Bind(1, Guid.NewGuid().ToString("D")).Bind(2, Environment.ProcessId).Bind(3, Environment.MachineName).Bind(4, now);
        return own.Scalar()!.Value;
    }

    /// <summary>Commits a batch; see <see cref="CommitBatch"/>.</summary>
    public void Commit(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        if (!_reserve.Whole && HasNewWork(batch) && !_reserve.TryMake())
        {
            var full = new StoreException(
                $"Store '{_database.Path}': the disk is full; free some space, then it goes on by itself.", StoreProblem.DiskFull);
            if (!RefuseNewWork(batch, errors, full))
                throw full;
            return;
        }
        try
        {
            if (TryAll(batch, errors))
                return;
            EachAlone(batch, errors);
        }
        catch (SqliteFailure failure)
        {
            Rollback();
            var problem = failure.AsStoreException();
            if (problem.Problem is not StoreProblem.DiskFull || !RefuseNewWork(batch, errors, problem))
                throw problem;
        }
    }

    /// <summary>
    /// With a full disk new messages are refused, and the rest of the batch gets a second try: ending attempts, discarding and pruning need
    /// little, and the reserve and the copied part of the log are room for them. False when all of the batch is new work.
    /// </summary>
    private bool RefuseNewWork(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors, StoreException problem)
    {
        var refused = 0;
        for (var i = 0; i < batch.Length; i++)
        {
            errors[i] = IsNewWork(batch[i]) ? problem : null;
            refused += errors[i] is null ? 0 : 1;
        }
        if (refused == batch.Length)
            return false;
        _reserve.GiveUp();
        try
        {
            _database.Checkpoint(raw.SQLITE_CHECKPOINT_RESTART);
        }
        catch (SqliteFailure)
        {
            // Copied as far as there was room; the second try shows whether that is enough.
        }
        try
        {
            EachAlone(batch, errors);
            return true;
        }
        catch (SqliteFailure failure)
        {
            Rollback();
            throw failure.AsStoreException();
        }
    }

    private static bool IsNewWork(StoreCommand command) => command is EnqueueCommand or ProbeCommand or StartReplayCommand
        or ImportLetterCommand;

    private static bool HasNewWork(ReadOnlySpan<StoreCommand> batch)
    {
        foreach (var command in batch)
        {
            if (IsNewWork(command))
                return true;
        }
        return false;
    }

    /// <summary>False when a command failed: nothing is kept, and each has to be tried by itself.</summary>
    private bool TryAll(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        var now = _time.NowMicros();
        _arrivals.Offers = true;
        _begin.Run();
        try
        {
            foreach (var command in batch)
                Apply(command, now);
            WriteSums();
        }
        catch (Exception error) when (IsOfCommand(error))
        {
            Rollback();
            if (batch.Length > 1)
                return false;
            errors[0] = AsStoreException(error);
            return true;
        }
        _commit.Run();
        _arrivals.Committed();
        return true;
    }

    private void EachAlone(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        var now = _time.NowMicros();
        _arrivals.Offers = false;
        _begin.Run();
        for (var i = 0; i < batch.Length; i++)
        {
            if (errors[i] is not null)
                continue;
            _database.Execute("SAVEPOINT command");
            try
            {
                Apply(batch[i], now);
                WriteSums();
            }
            catch (Exception error) when (IsOfCommand(error))
            {
                _database.ResetAll();
                _database.Execute("ROLLBACK TO command");
                Forget();
                errors[i] = AsStoreException(error);
            }
            _database.Execute("RELEASE command");
        }
        _commit.Run();
    }

    private void Apply(StoreCommand command, long now)
    {
        switch (command)
        {
            case EnqueueCommand enqueue: enqueue.Result = _enqueue.Apply(enqueue, _claim.NextLease, now); break;
            case ClaimCommand claim: claim.Result = _claim.Apply(claim, now); break;
            case CompleteCommand complete: complete.Result = _outcome.Apply(complete, now); break;
            case FailCommand fail: fail.Result = _outcome.Apply(fail, now); break;
            case ReleaseCommand release: release.Result = _outcome.Apply(release); break;
            case ReplayCommand replay: replay.Result = _deadLetter.Apply(replay, now); break;
            case DiscardCommand discard: discard.Result = _deadLetter.Apply(discard, now); break;
            case ResolveCommand resolve: resolve.Result = _deadLetter.Apply(resolve, now); break;
            case EditPayloadCommand edit: edit.Result = _marks.Apply(edit, now); break;
            case AnnotateCommand annotate: annotate.Result = _marks.Apply(annotate, now); break;
            case TakeCommand take: take.Result = _marks.Apply(take, now); break;
            case LetGoCommand letGo: letGo.Result = _marks.Apply(letGo, now); break;
            case ImportLetterCommand import: import.Result = _import.Apply(import, now); break;
            case IndexLettersCommand index: index.Result = _letters.Apply(index); break;
            case PruneCommand prune: prune.Result = _prune.Apply(prune, now); break;
            case ProbeCommand probe: probe.Result = _prune.Apply(probe); break;
            case BetweenCommitsCommand: break; // Its turn comes after the commit.
            case ExpireCommand expire: expire.Result = _expiry.Apply(expire, now); break;
            case ControlCommand control: control.Result = _controls.Apply(control, now); break;
            case StartReplayCommand start: start.Result = _replay.Apply(start, now); break;
            case ReplayBatchCommand replays: replays.Result = _replay.Apply(replays, now); break;
            case MoveReplayCommand move: move.Result = _replay.Apply(move, now); break;
            case PruneReplaysCommand gone: gone.Result = _replay.Apply(gone, now); break;
            case AddKeyCommand key: key.Result = _access.Apply(key, now); break;
            case RemoveKeyCommand key: key.Result = _access.Apply(key, now); break;
            case NoteActCommand note: note.Result = true; break;
            case NotePayloadKeyCommand note: note.Result = _access.Apply(note); break;
            case ReplacePayloadCommand replace: replace.Result = _access.Apply(replace); break;
            case PruneAuditCommand old: old.Result = _access.Apply(old, now); break;
            default: throw new StoreException($"The SQLite store does not know {command.GetType().Name}.", StoreProblem.Other);
        }
        _access.Note(command, now);
    }

    /// <summary>What is summed up over all commands of a commit.</summary>
    private void WriteSums()
    {
        _routes.Write();
        _letters.Write();
        _removal.WriteMark(_enqueue);
    }

    /// <summary>A fault of the machine or the file stops the batch; any other is the command's own.</summary>
    private static bool IsOfCommand(Exception error) => error is not SqliteFailure failure || failure.OfCommand;

    private static StoreException AsStoreException(Exception error) => error switch
    {
        StoreException known => known,
        SqliteFailure failure => failure.AsStoreException(),
        _ => new($"The command could not be applied: {error.Message}", StoreProblem.Other, error),
    };

    private void Rollback()
    {
        _database.ResetAll();
        // A full disk or a failed write can end the transaction by itself.
        if (!_database.AutoCommit)
            _database.Execute("ROLLBACK");
        Forget();
    }

    private void Forget()
    {
        _nodes.Forget();
        _held.Forget();
        _arrivals.Forget();
        _removal.Forget();
        _routes.Reload();
        _letters.Reload();
        _controls.Reload();
    }

    public void Dispose() => _database.Dispose();
}
