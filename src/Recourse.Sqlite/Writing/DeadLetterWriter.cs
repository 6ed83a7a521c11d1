using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>The ways out of the dead letters: sent back, or put away for good.</summary>
internal sealed class DeadLetterWriter(
    SqliteDatabase database, Routes routes, Lanes lanes, OutcomeWriter outcomes, LetterFinder letters)
{
    private readonly SqliteStatement _replay = database.Prepare(
        """
        UPDATE deliveries SET state = 0, due_at = ?2, lane = ?3, attempts_before = attempts, message_faults = 0, unknown_faults = 0,
          last_delay_ms = 0, generation = generation + 1, generation_at = ?2, suspect = 0, crashes_alone = 0, ended_at = NULL, decision =
            ?4,
          key_generation = ?5 WHERE key = ?1
        """);
    private readonly SqliteStatement _putAway = database.Prepare(
        "UPDATE deliveries SET state = 5, lane = NULL, ended_at = ?2, prunable_at = ?3, decision = ?4 WHERE key = ?1");
    private readonly SqliteStatement _resolved = database.Prepare(
        """
        INSERT INTO letter_marks (delivery, resolved_at) VALUES (?1, ?2) ON CONFLICT (delivery) DO UPDATE SET resolved_at = ?2
        """);
    private readonly SqliteStatement _editedIn = database.Prepare("SELECT generation FROM letter_bodies WHERE delivery = ?1");

    public DeadLetterOutcome Apply(ReplayCommand command, long now)
    {
        if (letters.Find(command.Id, command.Actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        var route = routes.Of(letter.Route);
        var lane = letter.Lane;
        if (lane is null && letter.OrderKey is not null)
            lane = lanes.Join(route.ServiceId, letter.OrderKey, letter.Key, now);
        letters.Leave(letter);
        _replay.Bind(1, letter.Key).Bind(2, now).Bind(3, lane).Bind(4, AttemptRules.Act("replay", command.Actor, command.Reason))
            .Bind(5, KeyGeneration(command, letter)).Run();
        letters.Add(letter.Key, now, command.Actor, "replay", LetterRules.Detail(command));
        if (lane is { } joined)
            lanes.Settle(joined, letter.Key);
        routes.Move(route, DeliveryState.Dead, DeliveryState.Waiting);
        return DeadLetterOutcome.Done;
    }

    private int KeyGeneration(ReplayCommand command, in Letter letter)
    {
        var edited = letter.Edits > 0 && _editedIn.Bind(1, letter.Key).Scalar() == letter.Generation;
        return LetterRules.KeyGeneration(command.Key, letter.KeyGeneration, letter.Generation, letter.MaybeApplied, edited);
    }

    public DeadLetterOutcome Apply(DiscardCommand command, long now) => PutAway(command.Id, "discard", command.Actor, command.Reason, now);

    public DeadLetterOutcome Apply(ResolveCommand command, long now) => PutAway(command.Id, "resolve", command.Actor, command.Reason, now);

    private DeadLetterOutcome PutAway(DeliveryId id, string verb, string actor, string? reason, long now)
    {
        if (letters.Find(id, actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        letters.Leave(letter);
        _putAway.Bind(1, letter.Key).Bind(2, now).Bind(3, outcomes.PrunableAt(letter.Key, letter.OnlyOne, now))
            .Bind(4, AttemptRules.Act(verb, actor, reason)).Run();
        letters.Add(letter.Key, now, actor, verb, reason);
        if (verb == "resolve")
            _resolved.Bind(1, letter.Key).Bind(2, now).Run();
        if (letter.Lane is { } lane)
            lanes.Settle(lane, letter.Key);
        routes.Move(routes.Of(letter.Route), DeliveryState.Dead, DeliveryState.Discarded);
        return DeadLetterOutcome.Done;
    }
}
