using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>The ways out of the dead letters, by an operator or a replay job: sent back, or put away for good.</summary>
internal sealed class DeadLetterWriter(
    SqliteDatabase database, Routes routes, Lanes lanes, OutcomeWriter outcomes, LetterFinder letters)
{
    private readonly SqliteStatement _replay = database.Prepare(
        """
        UPDATE deliveries SET state = 0, due_at = ?2, lane = ?3, attempts_before = attempts, message_faults = 0, unknown_faults = 0,
          last_delay_ms = 0, generation = generation + 1, generation_at = ?2, suspect = 0, crashes_alone = 0, ended_at = NULL,
          expires_at = NULL, decision = ?4, key_generation = ?5, rank = ?6, replay = ?7 WHERE key = ?1
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
        Replay(letter, letter.Rank, null, command.Key, command.Actor, command.Reason, now);
        return DeadLetterOutcome.Done;
    }

    /// <summary>One letter of a job: sent back when it is dead since before the job was made, and in nobody else's hand.</summary>
    /// <returns>The letter, and why it was left alone, if it was; null when there is none.</returns>
    public (long Key, int Generation, string? LeftAlone)? Replay(DeliveryId id, ReplayJob job, long number, long now)
    {
        var (request, madeAt) = (job.Request, StoreTime.Micros(job.MadeAt));
        var found = letters.Find(id, request.Actor, now, out var letter);
        if (found is DeadLetterOutcome.NotFound)
            return null;
        if (LetterRules.LeftAlone(found, letter.DiedAt, madeAt, letter.Marks.TakenBy) is { } why)
            return (letter.Key, letter.Generation, why);
        Replay(letter, Ranks.Bulk(letter.Rank), number, request.Key, request.Actor, request.Reason, now);
        return (letter.Key, letter.Generation + 1, null);
    }

    private void Replay(in Letter letter, int rank, long? replay, ReplayKey key, string actor, string? reason, long now)
    {
        var route = routes.Of(letter.Route);
        var lane = letter.Lane;
        if (lane is null && letter.OrderKey is not null)
            lane = lanes.Join(route, letter.OrderKey, letter.Key, now, rank);
        letters.Leave(letter);
        _replay.Bind(1, letter.Key).Bind(2, now).Bind(3, lane).Bind(4, AttemptRules.Act("replay", actor, reason))
            .Bind(5, KeyGeneration(key, letter)).Bind(6, rank).Bind(7, replay).Run();
        letters.Add(letter.Key, now, actor, "replay", LetterRules.Detail(key, reason));
        if (lane is { } joined)
            lanes.Settle(joined, letter.Key);
        else
            route.Sources.Mark(rank, inLane: false);
        routes.Move(route, DeliveryState.Dead, DeliveryState.Waiting);
    }

    private int KeyGeneration(ReplayKey key, in Letter letter)
    {
        var edited = letter.Edits > 0 && _editedIn.Bind(1, letter.Key).Scalar() == letter.Generation;
        return LetterRules.KeyGeneration(key, letter.KeyGeneration, letter.Generation, letter.MaybeApplied, edited);
    }

    public DeadLetterOutcome Apply(DiscardCommand command, long now) =>
        PutAway(command.Id, "discard", command.Actor, command.Reason, now, command);

    public DeadLetterOutcome Apply(ResolveCommand command, long now) =>
        PutAway(command.Id, "resolve", command.Actor, command.Reason, now, null);

    private DeadLetterOutcome PutAway(
        DeliveryId id, string verb, string actor, string? reason, long now, DiscardCommand? when)
    {
        if (letters.Find(id, actor, now, out var letter) is not DeadLetterOutcome.Done and var refused)
            return refused;
        if (when?.Passes(letter.DiedAt, letter.Edits) == false)
            return DeadLetterOutcome.Stale;
        letters.Leave(letter);
        _putAway.Bind(1, letter.Key).Bind(2, now).Bind(3, outcomes.PrunableAt(letter.Key, letter.OnlyOne, now))
            .Bind(4, AttemptRules.Act(verb, actor, reason)).Run();
        letters.Add(letter.Key, now, actor, verb, reason);
        if (verb == "resolve")
            _resolved.Bind(1, letter.Key).Bind(2, now).Run();
        if (letter.Lane is { } lane)
            lanes.Settle(lane, letter.Key);
        routes.Move(routes.Find(letter.Route), DeliveryState.Dead, DeliveryState.Discarded);
        return DeadLetterOutcome.Done;
    }
}
