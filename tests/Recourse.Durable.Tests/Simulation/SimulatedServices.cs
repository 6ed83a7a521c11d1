namespace Recourse.Durable.Tests;

/// <summary>A call of a service that is under way.</summary>
internal sealed class SimulatedCall(ClaimedDelivery delivery, CancellationToken token)
{
    // Not asynchronously, which would be on the pool: who waits has a scheduler, and is queued there.
    private readonly TaskCompletionSource<DeliveryResult> _end = new();

    public ClaimedDelivery Delivery { get; } = delivery;
    public CancellationToken Token { get; } = token;
    public Task<DeliveryResult> Ended => _end.Task;

    public void End(DeliveryResult result) => _end.TrySetResult(result);

    public void Throw(Exception error) => _end.TrySetException(error);
}

/// <summary>
/// The services, which remember everything that ever reached them, over all lives of the relay: who was called how often, and what took
/// effect. They check what a relay owes to them.
/// </summary>
internal sealed class SimulatedServices(SimulatedDisk disk, int permits)
{
    private readonly Dictionary<DeliveryId, int> _lastAttempt = [];
    private readonly Dictionary<DeliveryId, int> _effects = [];

    public List<SimulatedCall> Running { get; } = [];

    public int EffectsOf(DeliveryId id) => _effects.GetValueOrDefault(id);

    public ValueTask<DeliveryResult> CallAsync(ClaimedDelivery delivery, CancellationToken token)
    {
        var call = new SimulatedCall(delivery, token);
        Check(delivery);
        Running.Add(call);
        return new(call.Ended);
    }

    /// <summary>What was first noticed to be wrong: an exception of the handler would be taken for a failed attempt.</summary>
    public Violation? Broken { get; private set; }

    private void Check(ClaimedDelivery delivery)
    {
        var last = _lastAttempt.GetValueOrDefault(delivery.Id);
        if (delivery.Attempt <= last)
            Note($"{delivery.Id}: attempt {delivery.Attempt} was sent after attempt {last}");
        _lastAttempt[delivery.Id] = delivery.Attempt;
        if (Running.Count(call => call.Delivery.Service == delivery.Service) >= permits)
            Note($"{delivery.Service} has more than {permits} calls at once");
        var held = Running.Where(call => disk.Shadow[call.Delivery.Id] is { State: DeliveryState.Leased } known
            && known.Lease == call.Delivery.Lease).ToList();
        if (held.Find(call => delivery.Suspect || call.Delivery.Suspect) is { } other)
            Note($"{delivery.Id} (suspect {delivery.Suspect}) was sent while {other.Delivery.Id} (suspect {other.Delivery.Suspect}) ran");
        // Whose turn it was is checked at the claim: a replay may put an earlier one back into the lane between the claim and the call.
        if (disk.Shadow[delivery.Id]?.Lane is { } lane && held.Find(call => disk.Shadow[call.Delivery.Id]?.Lane == lane) is { } beside)
            Note($"{delivery.Id} was sent while {beside.Delivery.Id} of its lane {lane} was");
    }

    private void Note(string what) => Broken ??= new(what);

    /// <summary>One of the calls ends, in one of the ways in which calls end.</summary>
    public string EndOne(Random random, bool faulty)
    {
        var call = Running[random.Next(Running.Count)];
        var mood = faulty ? random.Next(20) : 20;
        if (mood == 0 && !call.Token.IsCancellationRequested)
            return "a call hangs on";
        Running.Remove(call);
        if (call.Token.IsCancellationRequested && random.Next(2) == 0)
        {
            call.Throw(new OperationCanceledException(call.Token));
            return "a call heeds its token";
        }
        if (mood is < 4 or >= 11)
            _effects[call.Delivery.Id] = EffectsOf(call.Delivery.Id) + 1;
        switch (mood)
        {
            case < 4: call.End(Failed(FaultKind.ConnectionReset, Applied.Maybe)); break;
            case < 6: call.End(Failed(FaultKind.ServiceUnavailable, Applied.No)); break;
            case < 7: call.End(Failed(FaultKind.ValidationError, Applied.No)); break;
            case < 8: call.End(Failed(FaultKind.Unknown, Applied.Maybe)); break;
            case < 9: call.Throw(new InvalidOperationException("Simulated defect of a handler.")); break;
            case < 11: call.End(Failed(FaultKind.RateLimitExceeded, Applied.No)); break;
            default: call.End(DeliveryResult.Delivered("200")); break;
        }
        return $"a call ends, mood {mood}";
    }

    /// <summary>The relay is gone: each service may have done its part or not.</summary>
    public void Abandon(Random random)
    {
        foreach (var call in Running)
            _effects[call.Delivery.Id] = EffectsOf(call.Delivery.Id) + random.Next(2);
        Running.Clear();
    }

    private static DeliveryResult Failed(FaultKind kind, Applied applied) =>
        DeliveryResult.Failed(FaultClassifier.Default.ForKind(kind) with { Applied = applied }, kind.ToString());
}
