using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// A connection that writes, on the thread of its pump. A batch is one transaction: new messages and completions by one statement each, the
/// rest one by one. When a command fails, the batch runs again with a savepoint around each command. A lost connection is made anew with
/// the next batch. A node has three, which are to each other as those of three nodes: one takes messages in, one claims, one does all
/// else. What is ordinary (plain messages, claims and ends) is one trip, for which no thread waits.
/// </summary>
internal sealed class PostgresWriter : IDisposable
{
    private const int Tries = 3;

    private readonly NpgsqlDataSource _source;
    private readonly Func<long>? _clock;
    private readonly bool _hasSessions;
    private readonly Books _books;
    private readonly Letters _letters = new();
    private readonly Lanes _lanes = new();
    private readonly InHand _inHand;
    private readonly ControlWriter _controls;
    private readonly LostClaims _lost = new();
    private readonly ArrivalWriter _arrivals;
    private readonly EnqueueWriter _enqueue;
    private readonly ClaimWriter _claim;
    private readonly OutcomeWriter _outcome;
    private readonly DeadLetterWriter _deadLetter;
    private readonly LetterMarksWriter _marks;
    private readonly ReplayWriter _replay;
    private readonly LeaseEnd _leaseEnd;
    private readonly ImportWriter _import;
    private NpgsqlConnection? _connection;
    private bool _settled;
    private bool _committing;
    private bool _committed;

    /// <param name="source">Where connections come from.</param>
    /// <param name="clock">A clock of the tests; null for the server's.</param>
    /// <param name="node">What it shares with the other writers of its node.</param>
    public PostgresWriter(NpgsqlDataSource source, Func<long>? clock, NodeWriters node)
    {
        (_source, _clock, _hasSessions) = (source, clock, node.HasSessions);
        (_books, _inHand, _controls) = (new(node.Routes), node.InHand, new(node.Controls));
        _arrivals = new(node, () => Node!());
        (_enqueue, _claim, _outcome) = (new(_books, _lanes, _arrivals), new(_books, _controls, _inHand), new(_books, _letters));
        (_deadLetter, _marks) = (new(_books, _letters), new(_letters));
        _replay = new(_deadLetter, _letters);
        (_leaseEnd, _import) = (new(_books, _letters), new(_books, _letters));
    }

    /// <summary>The number under which this node is registered; claims are made in its name. 0 while it has none.</summary>
    public required Func<long> Node { get; init; }

    /// <inheritdoc cref="PostgresMessageStore.BetweenTransactions"/>
    public Action<NpgsqlConnection>? BetweenTransactions { get; set; }

    /// <inheritdoc cref="PostgresMessageStore.AfterCommit"/>
    public Action? AfterCommit { get; set; }

    /// <inheritdoc cref="PostgresMessageStore.AlwaysAtOnce"/>
    public bool AlwaysAtOnce { get; set; }

    /// <summary>Connects, migrates, and ends the leases of nodes that left some.</summary>
    public StoreOpening Open(Func<string, bool> blocksLaneWhenDead)
    {
        _leaseEnd.BlocksLane = blocksLaneWhenDead;
        var sql = Connect(settle: false);
        sql.Later("BEGIN");
        var now = sql.Time(_clock);
        PostgresSchema.Migrate(sql, _connection!.Database);
        _letters.Lock(sql);
        // The first number of all is not that of a claim: see ArrivalWriter.Lease.
        sql.LaterUnread("SELECT nextval('leases')");
        var opening = _leaseEnd.Apply(sql, now.Value, null);
        WriteSums(sql, now);
        sql.Commit();
        return opening;
    }

    /// <summary>For the writer that takes messages in, once the other has opened the store: ids go on behind the last.</summary>
    public void Continue()
    {
        var sql = Connect();
        sql.Begin(_clock, !_hasSessions);
        _enqueue.Continue(sql);
        sql.Commit();
    }

    private Sql Connect(bool settle = true)
    {
        if (_connection is not { State: System.Data.ConnectionState.Open })
        {
            _connection?.Dispose();
            (_connection, _settled) = (_source.OpenConnection(), !_hasSessions);
        }
        if (settle && !_settled)
        {
            new Sql(_connection).SetForGood();
            _settled = true;
        }
        (_committing, _committed) = (false, false);
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
            catch (Exception error) when (attempt < Tries && MayPass(error))
            {
                errors.Clear();
            }
            catch (Exception error)
            {
                throw PostgresErrors.AsStoreException(error);
            }
        }
    }

    // A transaction whose connection was lost before its commit was sent is not there: it may be made again. What was committed is not.
    private bool MayPass(Exception error) => !_committed
        && (PostgresErrors.IsPassing(error) || !_committing && error is NpgsqlException lost && PostgresErrors.IsLostConnection(lost));

    private bool IsOfCommand(Exception error) => !_committed && PostgresErrors.IsOfCommand(error);

    /// <summary>
    /// As <see cref="CommitAtOnce"/> says. An error gives the whole batch back: <see cref="Commit"/> finds out whose it is.
    /// </summary>
    public async ValueTask<StoreCommand[]> CommitAtOnceAsync(ReadOnlyMemory<StoreCommand> batch)
    {
        if (_connection is not { State: System.Data.ConnectionState.Open } || !_settled || _lost.Any)
            return batch.ToArray();
        var sql = Connect();
        var now = sql.Begin(_clock, !_hasSessions);
        if (!SuitsAtOnce(batch.Span, now))
            return batch.ToArray();
        try
        {
            ApplyAll(sql, batch.Span, now, offers: true, atOnce: true);
            _committing = true;
            await sql.CommitAsync().ConfigureAwait(false);
            _committed = true;
            Committed(now);
            List<ClaimCommand> left = [];
            FinishClaims(sql, begin => left = _claim.FinishAtOnce(begin));
            return [.. left];
        }
        catch (Exception error)
        {
            Forget(error);
            sql.Rollback();
            if (MayPass(error) || IsOfCommand(error))
                return batch.ToArray();
            throw PostgresErrors.AsStoreException(error);
        }
    }

    private bool SuitsAtOnce(ReadOnlySpan<StoreCommand> batch, Moment now)
    {
        foreach (var command in batch)
        {
            if (!(command switch
            {
                EnqueueCommand enqueue => _enqueue.Suits(enqueue),
                CompleteCommand complete => complete.KeepHistory && _inHand.IsPlain(complete.Id),
                ClaimCommand { Suspects: false, ProbeFor: null } claim => AlwaysAtOnce || _claim.SuitsAtOnce(claim, now),
                _ => false,
            }))
                return false;
        }
        return true;
    }

    private void Committed(Moment now)
    {
        _books.Committed();
        _controls.Committed();
        _enqueue.Seen(now);
        AfterCommit?.Invoke();
        _arrivals.Committed();
    }

    private bool TryAll(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
    {
        var sql = Connect();
        try
        {
            var now = sql.Begin(_clock, !_hasSessions);
            ApplyAll(sql, batch, now, offers: true);
            _committing = true;
            sql.Commit();
            _committed = true;
            Committed(now);
            FinishClaims(sql, _claim.Finish);
            return true;
        }
        catch (Exception error)
        {
            Forget(error);
            sql.Rollback();
            if (!IsOfCommand(error))
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
        try
        {
            var now = sql.Begin(_clock, !_hasSessions);
            for (var i = 0; i < batch.Length; i++)
            {
                sql.Mark();
                var claims = _claim.Pending;
                try
                {
                    ApplyAll(sql, batch.Slice(i, 1), now);
                    sql.Send();
                }
                catch (Exception error) when (PostgresErrors.IsOfCommand(error))
                {
                    sql.RollbackToMark();
                    // What stands before the savepoint is kept, and in hand once this commits.
                    _claim.Forget(claims);
                    ForgetRead();
                    errors[i] = PostgresErrors.AsStoreException(error);
                }
            }
            _committing = true;
            sql.Commit();
            _committed = true;
            _books.Committed();
            _controls.Committed();
            FinishClaims(sql, _claim.Finish);
        }
        catch (Exception error)
        {
            Forget(error);
            sql.Rollback();
            throw;
        }
    }

    // Rare things come behind the commit, in a transaction of their own.
    private void FinishClaims(Sql sql, Action<Func<Sql>> finish)
    {
        Moment? more = null;
        finish(() =>
        {
            more ??= sql.Begin(_clock, !_hasSessions);
            return sql;
        });
        if (more is not null)
        {
            _books.Write(sql, more);
            sql.Commit();
        }
        foreach (var lease in _claim.Leases)
            _lost.Answered(lease);
        _claim.Forget(0);
    }

    /// <summary>What is summed up over all commands of a commit.</summary>
    private void WriteSums(Sql sql, Moment now)
    {
        _books.Write(sql, now);
        _letters.Write(sql);
    }

    // A transaction whose end is not known may have been committed: what it claimed, nobody has in hand.
    private void Forget(Exception error)
    {
        _arrivals.Forget(_committing && !MayPass(error) && !IsOfCommand(error));
        if (_claim.Takes)
            _lost.Add();
        _claim.Forget(0);
        _inHand.Clear();
        ForgetRead();
    }

    // What was read or gathered may be of what was rolled back.
    private void ForgetRead()
    {
        _books.Forget();
        _letters.Forget();
        _controls.Forget();
    }

    /// <summary>
    /// In one order of locks on every node, so that batches wait for each other but never in a circle: the letters, the idempotency keys by
    /// name, the lanes by name, deliveries.
    /// </summary>
    private void ApplyAll(Sql sql, ReadOnlySpan<StoreCommand> batch, Moment now, bool offers = false, bool atOnce = false)
    {
        var enqueues = new List<EnqueueCommand>();
        var completes = new List<CompleteCommand>();
        var (known, lanes) = (new List<InHand.Delivery?>(), new List<(string Service, string OrderKey)>());
        var (letters, claims) = (false, 0);
        foreach (var command in batch)
        {
            var delivery = Concerns.Ends(command) is { } id ? _inHand.Take(id) : null;
            if (delivery?.Lane is { } lane)
                lanes.Add(lane);
            if (command is EnqueueCommand enqueue)
                enqueues.Add(enqueue);
            else if (command is CompleteCommand complete)
            {
                completes.Add(complete);
                known.Add(delivery);
            }
            letters |= Concerns.Letters(command);
            claims += command is ClaimCommand ? 1 : 0;
        }
        if (letters)
            _letters.Lock(sql);
        var fresh = enqueues.Count == 0 ? [] : _enqueue.Admit(sql, enqueues, now);
        _lanes.Lock(sql, fresh.Select(enqueue => enqueue.Message), lanes);
        if (fresh.Count > 0)
            _enqueue.Insert(sql, fresh, now, offers);
        _lanes.SettleFresh(sql);
        _lost.Release(sql, _outcome, Node(), _claim.Leases, now);
        if (completes.Count > 0)
            _outcome.Apply(sql, completes, known, now);
        var turns = claims > 0 && !atOnce ? ClaimWriter.AskTurns(sql, Node(), claims, now) : null;
        var place = 0;
        foreach (var command in batch)
        {
            if (command is ClaimCommand claim)
            {
                if (turns is null)
                    _claim.ApplyAtOnce(sql, claim, Node(), now);
                else
                    _claim.Apply(sql, claim, turns, place++, now);
            }
            else if (command is not (EnqueueCommand or CompleteCommand))
                Apply(sql, command, now.Value);
        }
        WriteSums(sql, now);
    }

    private void Apply(Sql sql, StoreCommand command, long now)
    {
        switch (command)
        {
            case TakeOverCommand takeOver: takeOver.Result = _leaseEnd.Apply(sql, takeOver, now); break;
            case ReleaseNodeCommand release: release.Result = _leaseEnd.Apply(sql, release, now); break;
            case ResetServiceCommand reset: reset.Result = ControlWriter.Apply(sql, reset); break;
            case FailCommand fail: fail.Result = _outcome.Apply(sql, fail, now); break;
            case ReleaseCommand release: release.Result = _outcome.Apply(sql, release); break;
            case ReplayCommand replay: replay.Result = _deadLetter.Apply(sql, replay, now); break;
            case DiscardCommand discard: discard.Result = _deadLetter.Apply(sql, discard, now); break;
            case ResolveCommand resolve: resolve.Result = _deadLetter.Apply(sql, resolve, now); break;
            case EditPayloadCommand edit: edit.Result = _marks.Apply(sql, edit, now); break;
            case AnnotateCommand annotate: annotate.Result = _marks.Apply(sql, annotate, now); break;
            case TakeCommand take: take.Result = _marks.Apply(sql, take, now); break;
            case LetGoCommand letGo: letGo.Result = _marks.Apply(sql, letGo, now); break;
            case ImportLetterCommand import: import.Result = _import.Apply(sql, import, now); break;
            case IndexLettersCommand index: index.Result = _letters.Apply(sql, index); break;
            case PruneCommand prune: prune.Result = DeadLetterWriter.Apply(sql, prune, now); break;
            case ProbeCommand probe: probe.Result = DeadLetterWriter.Apply(sql, probe); break;
            case ExpireCommand expire: expire.Result = ExpiryWriter.Apply(sql, _books, expire, now); break;
            case ControlCommand control: control.Result = _controls.Apply(sql, control, now); break;
            case StartReplayCommand start: start.Result = _replay.Apply(sql, start, now); break;
            case ReplayBatchCommand replays: replays.Result = _replay.Apply(sql, replays, now); break;
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
