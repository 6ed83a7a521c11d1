using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Commands on dead letters, of an operator or of a replay job.</summary>
internal sealed class DeadLetterWriter(SqliteDatabase database, Routes routes, Lanes lanes, OutcomeWriter outcomes)
{
    private readonly SqliteStatement _find = database.Prepare(
        """
        SELECT d.key, d.state, d.route, d.lane, m.order_key, m.services, d.rank, d.ended_at, d.generation
        FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + ?2 WHERE m.id = ?1
        """);
    private readonly SqliteStatement _replay = database.Prepare(
        """
        UPDATE deliveries SET state = 0, due_at = ?2, lane = ?3, attempts_before = attempts, message_faults = 0, unknown_faults = 0,
          last_delay_ms = 0, generation = generation + 1, generation_at = ?2, suspect = 0, crashes_alone = 0, ended_at = NULL,
          expires_at = NULL, decision = ?4, rank = ?5, replay = ?6, key_generation = CASE ?7 WHEN 1 THEN key_generation
            WHEN 2 THEN generation + 1 ELSE CASE WHEN maybe_applied THEN key_generation ELSE generation + 1 END END WHERE key = ?1
        """);
    private readonly SqliteStatement _discard = database.Prepare(
        "UPDATE deliveries SET state = 5, lane = NULL, ended_at = ?2, prunable_at = ?3, decision = ?4 WHERE key = ?1");

    private readonly record struct Row(long Key, long State, long Route, long? Lane, string? OrderKey, bool OnlyOne, int Rank, long EndedAt,
        int Generation);

    public DeadLetterOutcome Apply(ReplayCommand command, long now)
    {
        if (Find(command.Id) is not { } row)
            return DeadLetterOutcome.NotFound;
        if (row.State != (long)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        Replay(row, row.Rank, null, ReplayKey.Auto, AttemptRules.Act("replay", command.Actor, command.Reason), now);
        return DeadLetterOutcome.Done;
    }

    /// <summary>One letter of a job: sent back when it is dead since before the job was made.</summary>
    /// <returns>The letter, and whether it was sent back; null when there is none.</returns>
    public (long Key, int Generation, bool Replayed)? Replay(DeliveryId id, ReplayJob job, long number, string decision, long now)
    {
        if (Find(id) is not { } row)
            return null;
        if (row.State != (long)DeliveryState.Dead || row.EndedAt > StoreTime.Micros(job.MadeAt))
            return (row.Key, row.Generation, false);
        Replay(row, Ranks.Bulk(row.Rank), number, job.Request.Key, decision, now);
        return (row.Key, row.Generation + 1, true);
    }

    private void Replay(in Row row, int rank, long? replay, ReplayKey key, string decision, long now)
    {
        var route = routes.Of(row.Route);
        var lane = row.Lane;
        if (lane is null && row.OrderKey is not null)
            lane = lanes.Join(route, row.OrderKey, row.Key, now, rank);
        _replay.Bind(1, row.Key).Bind(2, now).Bind(3, lane).Bind(4, decision).Bind(5, rank).Bind(6, replay).Bind(7, (long)key).Run();
        if (lane is { } joined)
            lanes.Settle(joined, row.Key);
        else
            route.Sources.Mark(rank, inLane: false);
        routes.Move(route, DeliveryState.Dead, DeliveryState.Waiting);
    }

    public DeadLetterOutcome Apply(DiscardCommand command, long now)
    {
        if (Find(command.Id) is not { } row)
            return DeadLetterOutcome.NotFound;
        if (row.State != (long)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        _discard.Bind(1, row.Key).Bind(2, now).Bind(3, outcomes.PrunableAt(row.Key, row.OnlyOne, now))
            .Bind(4, AttemptRules.Act("discard", command.Actor, command.Reason)).Run();
        if (row.Lane is { } lane)
            lanes.Settle(lane, row.Key);
        routes.Move(routes.Of(row.Route), DeliveryState.Dead, DeliveryState.Discarded);
        return DeadLetterOutcome.Done;
    }

    private Row? Find(DeliveryId id)
    {
        if (id.Index is < 0 or >= DeliveryKey.ServicesMax || !_find.Bind(1, id.MessageId).Bind(2, id.Index).Step())
            return null;
        var row = new Row(_find.Int64(0), _find.Int64(1), _find.Int64(2), _find.Int64OrNull(3), _find.TextOrNull(4), _find.Int64(5) == 1,
            _find.Int32(6), _find.Int64(7), _find.Int32(8));
        _find.Reset();
        return row;
    }
}
