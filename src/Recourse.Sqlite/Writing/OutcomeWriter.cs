using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Ends attempts: delivered, failed, given back. The update itself compares the lease: an old one changes nothing.</summary>
internal sealed class OutcomeWriter(
    SqliteDatabase database, Routes routes, Lanes lanes, HeldDeliveries held, AttemptWriter attempts, Letters letters, ReplayBooks replays,
    Removal removal)
{
    private readonly SqliteStatement _complete = database.Prepare(
        """
        UPDATE deliveries SET state = 3, lane = NULL, lease = 0, suspect = 0, alone = 0, crashes_alone = 0, ended_at = ?3, prunable_at = ?4,
          started_at = ?5, duration_ms = ?6, status = ?7, node = ?8 WHERE key = ?1 AND lease = ?2 AND state = 2
        """);
    private readonly SqliteStatement _fail = database.Prepare(
        """
        UPDATE deliveries SET state = ?3, lease = 0, suspect = 0, alone = 0, crashes_alone = 0, due_at = coalesce(?4, due_at),
          ended_at = ?5, message_faults = message_faults + ?6, unknown_faults = unknown_faults + ?7,
          maybe_applied = maybe_applied | ?8, last_delay_ms = ?9, kind = ?10, persistence = ?11, blame = ?12, fault_attempt = attempts,
          decision = NULL, lane = CASE WHEN ?13 THEN NULL ELSE lane END, letter_group = coalesce(?14, letter_group), rank = ?15,
          replay = ?16
        WHERE key = ?1 AND lease = ?2 AND state = 2
        """);
    private readonly SqliteStatement _release = database.Prepare(
        "UPDATE deliveries SET state = 0, lease = 0, alone = 0, attempts = attempts - 1 WHERE key = ?1 AND lease = ?2 AND state = 2");
    private readonly SqliteStatement _unfinished = database.Prepare(
        "SELECT count(*) FROM deliveries WHERE key BETWEEN ?1 AND ?2 AND key <> ?3 AND state NOT IN (3, 5, 6)");

    public bool Apply(CompleteCommand command, long now)
    {
        if (held.Take(command.Id, command.Lease) is not { } row)
            return false;
        return command.KeepHistory ? Keep(command, row, now) : Remove(command, row, now);
    }

    private bool Keep(CompleteCommand command, in Held row, long now)
    {
        var attempt = command.Attempt;
        _complete.Bind(1, row.Key).Bind(2, row.Lease).Bind(3, now).Bind(4, PrunableAt(row.Key, row.OnlyOne, now))
            .Bind(5, StoreTime.Micros(attempt.StartedAt)).Bind(6, attempt.DurationMs).Bind(7, AttemptRules.Shorten(attempt.Status))
            .Bind(8, attempts.NodeId(attempt.Node));
        if (_complete.Run() == 0)
            return false;
        attempts.Forget(row.Key, row.Attempts);
        Delivered(row, now);
        return true;
    }

    /// <summary>Without a history: a message that has ended whole leaves nothing but the totals.</summary>
    private bool Remove(CompleteCommand command, in Held row, long now)
    {
        if (!row.OnlyOne || row.Attempts > 1)
        {
            if (!Keep(command, row, now))
                return false;
            if (row.OnlyOne || PrunableAt(row.Key, row.OnlyOne, now) is not null)
                removal.Remove(DeliveryKey.Sequence(row.Key));
            return true;
        }
        // The ordinary case: its first attempt, which left nothing beside these two rows.
        if (!removal.RemoveHeld(row.Key, row.Lease))
            return false;
        Delivered(row, now);
        return true;
    }

    private void Delivered(in Held row, long now)
    {
        if (row.Lane is { } lane)
            lanes.Settle(lane, row.Key);
        if (row.Replay is { } replay)
            replays.Ended(replay, row.Key, ReplayOutcome.Delivered, now);
        routes.Move(routes.Of(row.Route), DeliveryState.Leased, DeliveryState.Delivered);
    }

    public bool Apply(FailCommand command, long now)
    {
        if (held.Take(command.Id, command.Lease) is not { } row)
            return false;
        var dead = command.Decision.Action is DeliveryAction.DeadLetter;
        var fault = command.Fault;
        var route = routes.Of(row.Route);
        var attempt = AttemptRules.Of(command, row.Attempts, row.Generation);
        var kind = AttemptRules.KindOf(command).Name();
        long? due = dead ? null : command.Decision.DueAt is { } at ? StoreTime.Micros(at) : now;
        long? died = dead ? letters.DiedAt(now) : null;
        long? group = dead ? letters.Count(route, kind, attempt.Status, attempt.Error, died!.Value) : null;
        _fail.Bind(1, row.Key).Bind(2, row.Lease).Bind(3, dead ? (long)DeliveryState.Dead : (long)DeliveryState.Waiting).Bind(4, due)
            .Bind(5, died).Bind(6, fault.Blame is Blame.Message).Bind(7, fault.Blame is Blame.Unknown)
            .Bind(8, fault.Applied is not Applied.No).Bind(9, (long)command.Decision.Delay.TotalMilliseconds)
            .Bind(10, kind).Bind(11, (long)fault.Persistence).Bind(12, (long)fault.Blame)
            .Bind(13, dead && !command.BlockLane).Bind(14, group).Bind(15, dead ? Ranks.Live(row.Rank) : row.Rank)
            .Bind(16, dead ? null : row.Replay);
        if (_fail.Run() == 0)
        {
            if (group is { } counted)
                letters.Uncount(counted);
            return false;
        }
        if (command.KeepHistory)
            attempts.Add(row.Key, attempt);
        else
            attempts.AddOnly(row.Key, attempt);
        if (died is { } end)
            letters.Index(attempt.Error, end);
        if (dead && row.Replay is { } replay)
            replays.Ended(replay, row.Key, ReplayOutcome.Dead, now);
        BackTo(row, dead ? DeliveryState.Dead : DeliveryState.Waiting);
        return true;
    }

    private void BackTo(in Held row, DeliveryState state)
    {
        var route = routes.Of(row.Route);
        if (row.Lane is { } lane)
            lanes.Settle(lane, row.Key);
        else if (state is DeliveryState.Waiting)
            route.Sources.Mark(row.Rank, inLane: false);
        routes.Move(route, DeliveryState.Leased, state);
    }

    public bool Apply(ReleaseCommand command)
    {
        if (held.Take(command.Id, command.Lease) is not { } row || _release.Bind(1, row.Key).Bind(2, row.Lease).Run() == 0)
            return false;
        BackTo(row, DeliveryState.Waiting);
        return true;
    }

    /// <summary>When the message may be pruned: now, if this delivery was the last of it to end; null otherwise.</summary>
    public long? PrunableAt(long key, bool onlyOne, long now)
    {
        if (onlyOne)
            return now;
        var first = DeliveryKey.Of(DeliveryKey.Sequence(key), 0);
        return _unfinished.Bind(1, first).Bind(2, first + DeliveryKey.ServicesMax - 1).Bind(3, key).Scalar() == 0 ? now : null;
    }
}
