namespace Recourse.Durable;

/// <summary>The rules about dead letters: how they die, what people do with them, how they leave.</summary>
internal sealed partial class MemoryCommands
{
    private long _lastDeath;

    public LetterGroups Groups { get; } = new();

    private void Die(MemoryDelivery delivery, string? code)
    {
        delivery.State = DeliveryState.Dead;
        delivery.EndedAt = _lastDeath = LetterRules.DiedAt(Now, _lastDeath);
        delivery.Group = Groups.Add(
            delivery.Service, delivery.Kind!.Value.Name(), code, delivery.Error, delivery.EndedAt);
        delivery.Replay?.Ended(delivery, ReplayOutcome.Dead, Now);
        delivery.Replay = null;
        delivery.Rank = Ranks.Live(delivery.Rank);
    }

    /// <summary>After a start, as the stores on a disk do: deaths go on after the last letter that is still dead.</summary>
    private void ContinueDeaths() => _lastDeath = Deliveries.Values
        .Where(delivery => delivery.State is DeliveryState.Dead).Select(delivery => delivery.EndedAt).DefaultIfEmpty().Max();

    private DeadLetterOutcome Discard(DiscardCommand command)
    {
        var still = Letter(command.Id, command.Actor, out var letter) is not DeadLetterOutcome.Done
            || command.Passes(letter.EndedAt, letter.Edits);
        return still ? PutAway(command.Id, "discard", command.Actor, command.Reason) : DeadLetterOutcome.Stale;
    }

    private DeadLetterOutcome Resolve(ResolveCommand command)
    {
        var outcome = PutAway(command.Id, "resolve", command.Actor, command.Reason);
        if (outcome is DeadLetterOutcome.Done)
            Find(command.Id)!.Resolved = true;
        return outcome;
    }

    private DeadLetterOutcome PutAway(DeliveryId id, string verb, string actor, string? reason)
    {
        if (Letter(id, actor, out var delivery) is not DeadLetterOutcome.Done and var refused)
            return refused;
        Leave(delivery);
        delivery.Decision = AttemptRules.Act(verb, actor, reason);
        delivery.Add(Now, actor, verb, reason);
        End(delivery, DeliveryState.Discarded);
        delivery.LeaveLane();
        TotalsOf(delivery.Queue).Discarded++;
        return DeadLetterOutcome.Done;
    }

    private DeadLetterOutcome Edit(EditPayloadCommand command)
    {
        if (Letter(command.Id, command.Actor, out var delivery) is not DeadLetterOutcome.Done and var refused)
            return refused;
        if (command.IfEdits is { } read && read != delivery.Edits)
            return DeadLetterOutcome.Stale;
        var message = delivery.Message.Message;
        var (before, type) = delivery.Edited is { } edited
            ? (edited.Body.Length, edited.ContentType) : (message.Body.Length, message.ContentType);
        delivery.Edits++;
        delivery.Edited = (delivery.Generation, command.Body.ToArray(), command.ContentType ?? type);
        delivery.Add(Now, command.Actor, "edit", LetterRules.Detail(command, before));
        return DeadLetterOutcome.Done;
    }

    private DeadLetterOutcome Annotate(AnnotateCommand command)
    {
        if (Letter(command.Id, command.Actor, out var delivery) is not DeadLetterOutcome.Done and var refused)
            return refused;
        delivery.Marks = delivery.Marks.With(command);
        foreach (var (verb, detail) in LetterRules.Acts(command))
            delivery.Add(Now, command.Actor, verb, detail);
        return DeadLetterOutcome.Done;
    }

    private DeadLetterOutcome Take(TakeCommand command)
    {
        if (Letter(command.Id, command.Actor, out var delivery) is not DeadLetterOutcome.Done and var refused)
            return refused;
        var until = Now + (long)command.Duration.TotalMicroseconds;
        delivery.Marks = delivery.Marks with { TakenBy = command.Actor, TakenUntil = until };
        delivery.Add(Now, command.Actor, "take", LetterRules.Until(until));
        return DeadLetterOutcome.Done;
    }

    private DeadLetterOutcome LetGo(LetGoCommand command)
    {
        if (Find(command.Id) is not { } delivery)
            return DeadLetterOutcome.NotFound;
        if (delivery.State is not DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        if (delivery.Marks.HolderAt(Now) is not { } holder)
            return DeadLetterOutcome.Done;
        delivery.Marks = delivery.Marks with { TakenBy = null, TakenUntil = null };
        delivery.Add(Now, command.Actor, "release", LetterRules.HeldBy(holder, command.Actor));
        return DeadLetterOutcome.Done;
    }

    private void Leave(MemoryDelivery delivery)
    {
        Groups.Leave(delivery.Group);
        delivery.Marks = delivery.Marks with { TakenBy = null, TakenUntil = null };
    }

    /// <summary>Done when somebody may act on it now; else what to answer.</summary>
    private DeadLetterOutcome Letter(DeliveryId id, string actor, out MemoryDelivery delivery)
    {
        delivery = Find(id)!;
        if (delivery is null)
            return DeadLetterOutcome.NotFound;
        if (delivery.State is not DeliveryState.Dead)
            return DeadLetterOutcome.NotDead;
        return delivery.Marks.KeptFrom(actor, Now) ? DeadLetterOutcome.Taken : DeadLetterOutcome.Done;
    }
}
