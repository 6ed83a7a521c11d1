using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>An operator's commands on dead letters.</summary>
internal sealed class DeadLetterWriter(SqliteDatabase database, Routes routes, Lanes lanes, OutcomeWriter outcomes)
{
    private readonly SqliteStatement _find = database.Prepare(
        """
        SELECT d.key, d.state, d.route, d.lane, m.order_key, m.services
        FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + ?2 WHERE m.id = ?1
        """);
    private readonly SqliteStatement _replay = database.Prepare(
        """
        UPDATE deliveries SET state = 0, due_at = ?2, lane = ?3, attempts_before = attempts, message_faults = 0, unknown_faults = 0,
          last_delay_ms = 0, generation = generation + 1, generation_at = ?2, suspect = 0, crashes_alone = 0, ended_at = NULL, decision =
            ?4,
          key_generation = CASE WHEN maybe_applied THEN key_generation ELSE generation + 1 END WHERE key = ?1
        """);
    private readonly SqliteStatement _discard = database.Prepare(
        "UPDATE deliveries SET state = 5, lane = NULL, ended_at = ?2, prunable_at = ?3, decision = ?4 WHERE key = ?1");

    private readonly record struct Row(long Key, long State, long Route, long? Lane, string? OrderKey, bool OnlyOne);

    public DeadLetterOutcome Apply(ReplayCommand command, long now)
    {
        if (Find(command.Id) is not { } row)
            return DeadLetterOutcome.NotFound;
        if (row.State != (long)DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        var route = routes.Of(row.Route);
        var lane = row.Lane;
        if (lane is null && row.OrderKey is not null)
            lane = lanes.Join(route.ServiceId, row.OrderKey, row.Key, now);
        _replay.Bind(1, row.Key).Bind(2, now).Bind(3, lane).Bind(4, AttemptRules.Act("replay", command.Actor, command.Reason)).Run();
        if (lane is { } joined)
            lanes.Settle(joined, row.Key);
        routes.Move(route, DeliveryState.Dead, DeliveryState.Waiting);
        return DeadLetterOutcome.Done;
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
        var row = new Row(_find.Int64(0), _find.Int64(1), _find.Int64(2), _find.Int64OrNull(3), _find.TextOrNull(4), _find.Int64(5) == 1);
        _find.Reset();
        return row;
    }
}
