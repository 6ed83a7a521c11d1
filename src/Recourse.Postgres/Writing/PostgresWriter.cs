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
    private NpgsqlConnection? _connection;
    private EnqueueWriter? _enqueue;
    private ClaimWriter? _claim;
    private OutcomeWriter? _outcome;
    private DeadLetterWriter? _deadLetter;
    private LetterMarksWriter? _marks;
    private ReplayWriter? _replay;
    private ImportWriter? _import;
    private readonly ControlWriter _controls = new();

    /// <summary>Connects, takes the ownership, migrates, and ends old leases.</summary>
    public StoreOpening Open(Func<string, bool> blocksLaneWhenDead)
    {
        (_enqueue, _claim, _outcome) = (new(_books), new(_books, _controls), new(_books, _letters));
        (_deadLetter, _marks) = (new(_books, _letters), new(_letters));
        _replay = new(_deadLetter, _letters);
        _import = new(_books, _letters);
        var sql = Connect();
        using var transaction = _connection!.BeginTransaction();
        PostgresSchema.Migrate(sql, _connection.Database);
        _enqueue.Continue(sql);
        _letters.Load(sql);
        var now = Now(sql);
        var opening = LeaseEnd.Apply(sql, _books, _letters, blocksLaneWhenDead, now);
        WriteSums(sql, now);
        transaction.Commit();
        return opening;
    }

    private Sql Connect()
    {
        if (_connection is { State: System.Data.ConnectionState.Open })
            return new(_connection);
        _connection?.Dispose();
        _connection = source.OpenConnection();
        var sql = new Sql(_connection);
        if (!(bool)sql.Scalar("SELECT pg_try_advisory_lock($1)", PostgresSchema.OwnerLock)!)
        {
            _connection.Dispose();
            throw new StoreException(
                $"Database '{_connection.Database}' is in use by another relay. In this release one relay owns a database; "
                + "end that one, or give this one another database.",
                StoreProblem.Locked);
        }
        return sql;
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
            var now = Now(sql);
            ApplyAll(sql, batch, now);
            WriteSums(sql, now);
            transaction.Commit();
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
        for (var i = 0; i < batch.Length; i++)
        {
            transaction.Save("command");
            try
            {
                var now = Now(sql);
                ApplyAll(sql, batch.Slice(i, 1), now);
                WriteSums(sql, now);
            }
            catch (Exception error) when (PostgresErrors.IsOfCommand(error))
            {
                transaction.Rollback("command");
                Forget();
                errors[i] = PostgresErrors.AsStoreException(error);
            }
            catch
            {
                Forget();
                throw;
            }
        }
        transaction.Commit();
    }

    /// <summary>What is summed up over all commands of a commit.</summary>
    private void WriteSums(Sql sql, long now)
    {
        _books.Write(sql, now);
        _letters.Write(sql);
    }

    private void Forget()
    {
        _books.Forget();
        _letters.Forget();
        _controls.Forget();
    }

    private void ApplyAll(Sql sql, ReadOnlySpan<StoreCommand> batch, long now)
    {
        _letters.Load(sql);
        var enqueues = new List<EnqueueCommand>();
        var completes = new List<CompleteCommand>();
        foreach (var command in batch)
        {
            if (command is EnqueueCommand enqueue)
                enqueues.Add(enqueue);
            else if (command is CompleteCommand complete)
                completes.Add(complete);
        }
        if (enqueues.Count > 0)
            _enqueue!.Apply(sql, enqueues, now);
        if (completes.Count > 0)
            _outcome!.Apply(sql, completes, now);
        foreach (var command in batch)
            Apply(sql, command, now);
    }

    private void Apply(Sql sql, StoreCommand command, long now)
    {
        switch (command)
        {
            case EnqueueCommand or CompleteCommand: break;
            case ClaimCommand claim: claim.Result = _claim!.Apply(sql, claim, now); break;
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
            case RemoveKeyCommand key: key.Result = AccessWriter.Apply(sql, key); break;
            case NoteActCommand note: note.Result = true; break;
            case NotePayloadKeyCommand note: note.Result = AccessWriter.Apply(sql, note); break;
            case ReplacePayloadCommand replace: replace.Result = AccessWriter.Apply(sql, replace); break;
            case PruneAuditCommand old: old.Result = AccessWriter.Apply(sql, old, now); break;
            default: throw new StoreException($"The PostgreSQL store does not know {command.GetType().Name} yet.", StoreProblem.Other);
        }
        AccessWriter.Note(sql, command, now);
    }

    /// <summary>The server's clock: nodes need not agree on the time.</summary>
    private long Now(Sql sql) => clock?.Invoke() ?? (long)sql.Scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")!;

    public void Dispose()
    {
        if (_connection is null)
            return;
        try
        {
            // The server would notice the closed connection a little later; a successor should not have to wait for that.
            new Sql(_connection).Run("SELECT pg_advisory_unlock($1)", PostgresSchema.OwnerLock);
        }
        catch (Exception error) when (error is NpgsqlException or InvalidOperationException or IOException)
        {
            // The connection is gone already, and the lock with it.
        }
        _connection.Dispose();
    }
}
