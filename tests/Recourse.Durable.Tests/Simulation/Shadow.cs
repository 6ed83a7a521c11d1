namespace Recourse.Durable.Tests;

/// <summary>An invariant that did not hold.</summary>
internal sealed class Violation(string message) : Exception(message)
{
    public static void Unless(bool holds, string message)
    {
        if (!holds)
            throw new Violation(message);
    }
}

/// <summary>What is known of one delivery from commands and their answers alone.</summary>
internal sealed class ShadowDelivery(DeliveryId id, string queue, string service, string? lane, int order, byte[] body)
{
    public DeliveryId Id { get; } = id;
    public string Queue { get; } = queue;
    public string Service { get; } = service;
    public string? Lane { get; } = lane;
    public int Order { get; } = order;
    public DeliveryState State { get; set; }
    /// <summary>As it came in, or as it was edited last.</summary>
    public byte[] Body { get; set; } = body;
    public string? Note { get; set; }
    /// <summary>Counts all deaths: which came before which.</summary>
    public int Death { get; set; }
    /// <summary>The job that sent it back, until it ends.</summary>
    public ShadowJob? Job { get; set; }
    public long Lease { get; set; }
    public int Attempts { get; set; }
    public bool Suspect { get; set; }
    public bool Alone { get; set; }
    public int CrashesAlone { get; set; }
    public bool InLane { get; set; } = lane is not null;
}

/// <summary>
/// A second, much simpler book of what the store did, kept from commands and answers only. Each entry is checked against it: fences, order
/// in lanes, counting of attempts, suspects, books.
/// </summary>
internal sealed partial class Shadow
{
    private readonly Dictionary<DeliveryId, ShadowDelivery> _deliveries = [];
    private readonly Dictionary<string, Guid> _keys = [];
    private long _lastLease;

    public IReadOnlyCollection<ShadowDelivery> Deliveries => _deliveries.Values;

    public ShadowDelivery? this[DeliveryId id] => _deliveries.GetValueOrDefault(id);

    /// <summary>Whether what is dead in a queue stays in its lane.</summary>
    public static bool BlocksLane(string queue) => queue == "strict";

    public string QueueOf(DeliveryId id) => _deliveries[id].Queue;

    public static DeliveryId? IdOf(StoreCommand command) => command switch
    {
        CompleteCommand complete => complete.Id,
        FailCommand fail => fail.Id,
        ReleaseCommand release => release.Id,
        _ => null,
    };

    public static long LeaseOf(StoreCommand command) => command switch
    {
        CompleteCommand complete => complete.Lease,
        FailCommand fail => fail.Lease,
        ReleaseCommand release => release.Lease,
        _ => 0,
    };

    /// <summary>Who owned the store is gone: what was in hand waits, as a suspect.</summary>
    public void SawOpening()
    {
        foreach (var delivery in _deliveries.Values.Where(delivery => delivery.State is DeliveryState.Leased))
        {
            delivery.CrashesAlone += delivery.Alone ? 1 : 0;
            var poison = delivery.CrashesAlone >= AttemptRules.CrashesAloneMax;
            (delivery.Lease, delivery.Alone, delivery.Suspect) = (0, false, true);
            delivery.State = poison ? DeliveryState.Dead : DeliveryState.Waiting;
            delivery.InLane &= !poison || BlocksLane(delivery.Queue);
            if (poison)
                Died(delivery);
        }
    }

    public void Saw(StoreCommand command, MemoryCommands state)
    {
        switch (command)
        {
            case EnqueueCommand enqueue: Saw(enqueue); break;
            case ClaimCommand claim:
                foreach (var claimed in claim.Result.Deliveries)
                    Saw(claim, claimed);
                break;
            case CompleteCommand { Result: true } complete:
                Ends(complete.Id, complete.Lease, DeliveryState.Delivered,
                leavesLane: true); break;
            case FailCommand { Result: true } fail:
                var dead = fail.Decision.Action is DeliveryAction.DeadLetter;
                Ends(fail.Id, fail.Lease, dead ? DeliveryState.Dead : DeliveryState.Waiting, dead && !fail.BlockLane);
                break;
            case ReleaseCommand { Result: true } release: Released(release); break;
            default: SawAct(command); break;
        }
        CheckBooks(state);
        CheckJobs(state);
    }

    private void Saw(EnqueueCommand command)
    {
        var (message, id) = (command.Message, command.Result.MessageId);
        if (message.IdempotencyKey is { } key && !_keys.TryAdd(key, id) && _keys[key] != id)
            throw new Violation($"key {key} was given the ids {_keys[key]} and {id}");
        if (command.Result.Status is not EnqueueStatus.Accepted)
            return;
        for (var i = 0; i < message.Services.Count; i++)
        {
            var service = message.Services[i];
            _deliveries.Add(new(id, i), new(
                new(id, i), message.Queue, service, message.OrderKey is { } lane ? $"{service}/{lane}" : null, _deliveries.Count,
                message.Body.ToArray()));
        }
    }

    private void Saw(ClaimCommand command, ClaimedDelivery claimed)
    {
        var delivery = _deliveries[claimed.Id];
        if (delivery.State is not DeliveryState.Waiting)
            throw new Violation($"{claimed.Id} was claimed while it was {delivery.State}");
        if (claimed.Attempt != delivery.Attempts + 1)
            throw new Violation($"{claimed.Id}: attempt {claimed.Attempt} was claimed after {delivery.Attempts}");
        if (claimed.Suspect != delivery.Suspect || command.Suspects != delivery.Suspect)
            throw new Violation($"{claimed.Id}: suspect {delivery.Suspect} was claimed as {claimed.Suspect}, asked for {command.Suspects}");
        if (claimed.Lease < _lastLease)
            throw new Violation($"{claimed.Id}: lease {claimed.Lease} came after {_lastLease}");
        if (delivery.InLane && _deliveries.Values.FirstOrDefault(other => other.InLane && other.Lane == delivery.Lane && other != delivery
            && (other.Order < delivery.Order || other.State is DeliveryState.Leased)) is { } before)
            throw new Violation($"{claimed.Id} was claimed before {before.Id} ({before.State}) of its lane {delivery.Lane}");
        if (Holds(delivery))
            throw new Violation($"{claimed.Id} was claimed while {delivery.Queue} or {delivery.Service} was held");
        if (!claimed.Body.Span.SequenceEqual(delivery.Body))
            throw new Violation($"{claimed.Id} was claimed with another body than it came in with or was given last");
        _lastLease = claimed.Lease;
        (delivery.State, delivery.Lease, delivery.Attempts) = (DeliveryState.Leased, claimed.Lease, claimed.Attempt);
        delivery.Alone = command.Suspects;
    }

    private ShadowDelivery Held(DeliveryId id, long lease)
    {
        var delivery = _deliveries[id];
        return delivery.State is DeliveryState.Leased && delivery.Lease == lease ? delivery
            : throw new Violation($"{id}: an outcome under lease {lease} was taken; it is {delivery.State} under {delivery.Lease}");
    }

    private void Ends(DeliveryId id, long lease, DeliveryState state, bool leavesLane)
    {
        var delivery = Held(id, lease);
        (delivery.State, delivery.Lease, delivery.Suspect) = (state, 0, false);
        (delivery.Alone, delivery.CrashesAlone) = (false, 0);
        delivery.InLane &= !leavesLane;
        if (state is DeliveryState.Dead)
            Died(delivery);
        else if (state is DeliveryState.Delivered)
            Delivered(delivery);
    }

    private void Released(ReleaseCommand command)
    {
        var delivery = Held(command.Id, command.Lease);
        (delivery.State, delivery.Lease, delivery.Alone) = (DeliveryState.Waiting, 0, false);
        delivery.Attempts--;
    }

    private static void Discarded(ShadowDelivery delivery)
    {
        delivery.State = DeliveryState.Discarded;
        delivery.InLane = false;
    }

    /// <summary>Counts of the store against the rows as they are known here; and the sum that always holds.</summary>
    private void CheckBooks(MemoryCommands state)
    {
        foreach (var (queue, totals) in state.Totals)
        {
            var live = 0;
            foreach (var delivery in state.Deliveries.Values)
                live += delivery.Queue == queue && delivery.State is DeliveryState.Waiting or DeliveryState.Leased or DeliveryState.Dead
                    ? 1 : 0;
            var sum = live + totals.Delivered + totals.Discarded + totals.Expired;
            var known = 0;
            foreach (var delivery in _deliveries.Values)
                known += delivery.Queue == queue ? 1 : 0;
            if (totals.Accepted != sum || totals.Accepted != known)
                throw new Violation($"the books of {queue} do not balance: accepted {totals.Accepted}, accounted for {sum}, known {known}");
        }
    }
}
