namespace Recourse.Durable;

/// <summary>
/// The loop of one service: permits of the bulkhead first, then of the breaker, and only then a claim for as many deliveries as there
/// are permits. So a claim is the start of its attempt, and nothing waits in memory.
/// </summary>
/// <remarks>
/// While nothing is known to be due, a store may give what it stores to this service at once, if there are permits. As soon as something
/// may be due that got no permit, all that is stored waits its turn, until a look has found that nothing is left.
/// </remarks>
internal sealed class ServiceRoute(
    ServiceGuard guard, MessageStore store, AloneGate gate, DeliveryAttempt attempt, OutcomeCommit commit, DispatcherOptions options)
{
    // A claim that found nothing although something is due met a lane or another node; this keeps it from asking again at once.
    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(10);

    // Other nodes have the key: long enough that they get at the work, short enough that what this node can do does not wait for long.
    private static readonly TimeSpan KeyWait = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A process that was frozen between a claim and its answer does not send what it got: after 6 s others take a node for dead.
    /// </summary>
    private static readonly TimeSpan LateAfter = TimeSpan.FromSeconds(5);

    private readonly WakeSignal _wake = new(options.Time);
    private readonly BulkShare _bulk = new();
    private volatile bool _stopping;
    private int _failures;

    // Until then nothing is claimed, in UTC ticks.
    private long _heldUntil;

    private readonly ClearView _view = new(options.Time);
    private bool _getsArrivals;

    // When a suspect may be due, in UTC ticks: the past means now, the largest number that there is none.
    private long _suspectsAt = long.MaxValue;

    internal ServiceGuard Guard => guard;

    /// <summary>The loop has nothing to do until something wakes it.</summary>
    internal bool IsAsleep => _wake.IsAsleep;

    internal void Wake() => _wake.Set();

    internal void SuspectsFound() => Volatile.Write(ref _suspectsAt, 0);

    internal void PostponeSuspects() =>
        Volatile.Write(ref _suspectsAt, (options.Time.GetUtcNow() + TimeSpan.FromSeconds(1)).UtcTicks);

    /// <summary>No claim begins any more; the loop ends, attempts go on.</summary>
    internal void Stop()
    {
        _stopping = true;
        _wake.Set();
    }

    internal async Task RunAsync()
    {
        while (!_stopping)
        {
            TimeSpan wait;
            try
            {
                wait = await StepAsync();
                _failures = 0;
            }
            catch (Exception error)
            {
                wait = Failed(error);
            }

            if (wait > TimeSpan.Zero && !_stopping) await _wake.SleepAsync(wait < options.SafetyPoll ? wait : options.SafetyPoll);
        }
    }

    /// <summary>One turn; how long to sleep after it unless woken, zero to go on at once.</summary>
    private async Task<TimeSpan> StepAsync()
    {
        var held = TimeSpan.FromTicks(Volatile.Read(ref _heldUntil) - options.Time.GetUtcNow().UtcTicks);
        if (held > TimeSpan.Zero) return held;
        // Where nothing is known to be due, a look leaves permits for what is stored meanwhile.
        var most = _view.IsClear && _getsArrivals ? Math.Min(options.ClaimMax, (guard.Permits + 1) / 2) : options.ClaimMax;
        var permits = Enter(most);
        if (permits is not { Count: > 0 })
        {
            // A permit that came free before the look was owed has woken nobody.
            _view.OweLook();
            permits = Enter(options.ClaimMax);
        }

        // An attempt that ends wakes the loop, and so do a gate that opens and a breaker that is reset.
        if (permits is null) return options.SafetyPoll;
        if (permits.Count == 0) return AtLeast(guard.Breaker.RetryAfter);

        var look = _view.Begin();
        var (claim, late) = await ClaimAsync(permits, suspects: false);
        foreach (var delivery in claim.Deliveries) Begin(delivery, Take(permits), late);
        var more = permits.Count == 0;
        Return(permits);
        var whole = _view.TryEnd(look, more, claim.NextDueAt);
        return !whole || more && claim.Deliveries.Count > 0 ? TimeSpan.Zero : UntilDue(claim.NextDueAt);
    }

    /// <summary>
    /// Takes permits for up to so many attempts. None when the breaker gives none; null when there was none to ask it for, because all are
    /// taken (by attempts, or by other nodes) or the gate is closed.
    /// </summary>
    private List<CircuitPermit>? Enter(int upTo)
    {
        if (guard.Permits == 0) return null;
        var free = guard.Bulkhead.TryAcquire(upTo);
        if (free == 0) return null;
        if (!gate.TryEnter(free))
        {
            guard.Release(free);
            return null;
        }

        var permits = guard.Enter(free);
        GiveBack(free - permits.Count);
        return permits;
    }

    /// <inheritdoc cref="IArrivals.Reserve"/>
    internal ArrivalRoom? Reserve(int count)
    {
        _getsArrivals = true;
        if (_stopping || !_view.IsClear || Volatile.Read(ref _heldUntil) > options.Time.GetUtcNow().UtcTicks) return null;
        var permits = Enter(count) ?? [];
        // Who gets none waits, and comes before what is stored later.
        if (permits.Count < count) _view.OweLook();
        // Which node may probe, the store decides with a claim.
        if (permits.Exists(permit => permit.IsProbe))
        {
            ReturnUnused(permits);
            return null;
        }

        return permits.Count == 0 ? null
            : new RouteRoom(permits, options, (delivery, permit, asked) => AttemptAsync(delivery, permit, IsLate(asked)), ReturnUnused);
    }

    private void ReturnUnused(List<CircuitPermit> permits)
    {
        if (permits.Count == 0) return;
        Return(permits);
        // Whoever waits for a permit has owed a look before.
        if (!_view.IsClear) _wake.Set();
    }

    /// <summary>
    /// Runs one suspect to its end; the caller has closed the gate, so nothing else is in flight. False when none could be run now.
    /// </summary>
    internal async Task<bool> RunSuspectAsync()
    {
        if (_stopping || guard.Permits == 0 || guard.Bulkhead.TryAcquire(1) == 0) return false;
        gate.EnterAlone();
        var permits = guard.Enter(1);
        if (permits.Count == 0)
        {
            GiveBack(1);
            return false;
        }

        var (claim, late) = await ClaimAsync(permits, suspects: true);
        Volatile.Write(ref _suspectsAt, claim.Deliveries.Count > 0 ? 0 : claim.NextDueAt?.UtcTicks ?? long.MaxValue);
        if (claim.Deliveries.Count == 0)
        {
            Return(permits);
            return false;
        }

        await AttemptAsync(claim.Deliveries[0], Take(permits), late);
        return true;
    }

    /// <summary>The time until this service may have a suspect to run; null while it may not.</summary>
    internal TimeSpan? UntilSuspect()
    {
        var at = Volatile.Read(ref _suspectsAt);
        if (at == long.MaxValue) return null;
        var due = TimeSpan.FromTicks(at - options.Time.GetUtcNow().UtcTicks);
        var breaker = guard.Breaker.RetryAfter;
        var wait = due > breaker ? due : breaker;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    /// <summary>Claims; late when another node may have taken over meanwhile what was claimed.</summary>
    private async Task<(ClaimResult Claim, bool Late)> ClaimAsync(List<CircuitPermit> permits, bool suspects)
    {
        try
        {
            var asked = options.Time.GetTimestamp();
            // Never cancelled: a claim whose answer nobody reads would be a lease that nobody ends.
            var claim = await store.CommitAsync(
                new ClaimCommand(guard.Policy.Name, permits.Count, options.Node)
                {
                    Suspects = suspects,
                    BulkMax = _bulk.Allowed(guard.Bulkhead.Limit),
                    ProbeFor = store.Nodes is { Count: > 1 } && permits.Exists(permit => permit.IsProbe) ? guard.LongestAttempt : null,
                }, CancellationToken.None);
            return (claim, IsLate(asked));
        }
        catch
        {
            Return(permits);
            throw;
        }
    }

    private bool IsLate(long asked) => store.Nodes is { Count: > 1 } && options.Time.GetElapsedTime(asked) > LateAfter;

    private void Begin(ClaimedDelivery delivery, CircuitPermit permit, bool late) => _ = AttemptAsync(delivery, permit, late);

    private async Task AttemptAsync(ClaimedDelivery delivery, CircuitPermit permit, bool late)
    {
        _bulk.Begin(delivery.Bulk);
        try
        {
            if (delivery.KeyMissing) Hold(delivery);
            if (_stopping || late || delivery.KeyMissing) await ReleaseAsync(delivery, permit);
            else await attempt.RunAsync(delivery, guard, permit, delivery.Bulk ? BulkPermitFree : PermitFree);
        }
        catch (Exception error)
        {
            DispatchLog.RouteFailed(options.Logger, guard.Policy.Name, Durations.Text(TimeSpan.Zero), error);
        }
        finally
        {
            gate.Leave(1);
        }
    }

    // Not the message's fault, nor the service's: it goes back as it was, and this node leaves the service alone for a while.
    private void Hold(ClaimedDelivery delivery)
    {
        var until = (options.Time.GetUtcNow() + KeyWait).UtcTicks;
        Volatile.Write(ref _heldUntil, until);
        if (delivery.Suspect) Volatile.Write(ref _suspectsAt, until);
        commit.Trouble.Report($"delivery {delivery.Id}", new StoreException(delivery.Unreadable!, StoreProblem.Other));
    }

    // Nothing was sent, because of a stop or a freeze between claim and call or a key that is not here: so the attempt is not counted.
    private async Task ReleaseAsync(ClaimedDelivery delivery, CircuitPermit permit)
    {
        try
        {
            guard.Breaker.Report(permit, Judgement.Neutral);
            await commit.TryAsync(delivery, "released", () => new ReleaseCommand(delivery.Id, delivery.Lease));
        }
        finally
        {
            if (delivery.Bulk) BulkPermitFree(more: true);
            else PermitFree(more: true);
        }
    }

    private void BulkPermitFree(bool more)
    {
        _bulk.End();
        PermitFree(more);
    }

    // Whoever waits for a permit has owed a look before.
    private void PermitFree(bool more)
    {
        guard.Bulkhead.Release();
        if (more || !_view.IsClear) _wake.Set();
    }

    private static CircuitPermit Take(List<CircuitPermit> permits)
    {
        var permit = permits[^1];
        permits.RemoveAt(permits.Count - 1);
        return permit;
    }

    private void Return(List<CircuitPermit> permits)
    {
        foreach (var permit in permits) guard.Breaker.Report(permit, Judgement.Neutral);
        GiveBack(permits.Count);
    }

    private void GiveBack(int permits)
    {
        if (permits == 0) return;
        guard.Release(permits);
        gate.Leave(permits);
    }

    private TimeSpan UntilDue(DateTimeOffset? due) => due is { } at ? AtLeast(at - options.Time.GetUtcNow()) : options.SafetyPoll;

    private static TimeSpan AtLeast(TimeSpan wait) => wait > LeastWait ? wait : LeastWait;

    private TimeSpan Failed(Exception error)
    {
        _failures = _failures == int.MaxValue ? _failures : _failures + 1;
        var wait = OutcomeCommit.Waits.Delay(_failures, TimeSpan.Zero, options.Sample());
        if (error is StoreException refusal) commit.Trouble.Report($"claiming for service '{guard.Policy.Name}'", refusal);
        else DispatchLog.RouteFailed(options.Logger, guard.Policy.Name, Durations.Text(wait), error);
        return wait;
    }
}
