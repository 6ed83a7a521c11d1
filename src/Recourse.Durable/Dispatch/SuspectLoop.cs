namespace Recourse.Durable;

/// <summary>
/// Runs suspects (in hand when a process ended) one at a time with nothing else in flight on this node, so that only what really ends
/// the process is blamed for it. It alternates with ordinary traffic: each time the way was closed, it stays open at least as long
/// afterwards. It waits for what is in flight only so long (200 ms, doubling with each failure, up to the longest attempt possible), so
/// ordinary traffic is held up at a time for at most the longest attempt, and the suspect's own.
/// </summary>
internal sealed class SuspectLoop(AloneGate gate, Func<IReadOnlyList<ServiceRoute>> routes, DispatcherOptions options)
{
    private static readonly TimeSpan FirstPatience = TimeSpan.FromMilliseconds(200);

    // Lets a suspect be found that was not there, or hidden in its lane, at the last look. Only when the node is idle, so it costs nobody.
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);

    private readonly WakeSignal _wake = new(options.Time);
    private volatile bool _stopping;
    private TimeSpan _patience = FirstPatience;
    private int _next;
    private long _lookedAt = options.Time.GetTimestamp();

    internal bool IsAsleep => _wake.IsAsleep;

    /// <summary>A suspect is in hand, or just about to be.</summary>
    internal bool Runs { get; private set; }

    internal void Wake() => _wake.Set();

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
            }
            catch (Exception error)
            {
                wait = options.SafetyPoll;
                DispatchLog.RouteFailed(options.Logger, "(suspects)", Durations.Text(wait), error);
            }

            if (wait > TimeSpan.Zero && !_stopping) await _wake.SleepAsync(wait);
        }
    }

    private async Task<TimeSpan> StepAsync()
    {
        var all = routes();
        var (route, wait) = Next(all);
        if (route is null)
        {
            if (wait is { } until) return until < options.SafetyPoll ? until : options.SafetyPoll;
            var idle = options.Time.GetElapsedTime(_lookedAt);
            if (idle < LookAgain) return LookAgain - idle;
            _lookedAt = options.Time.GetTimestamp();
            if (gate.InFlight == 0) Suspect(all);
            return TimeSpan.FromMilliseconds(1);
        }

        var began = options.Time.GetTimestamp();
        var ran = false;
        try
        {
            // One look costs one claim: all services that have no suspect are asked while the way is closed anyway.
            if (await gate.CloseAsync(_patience))
            {
                _patience = FirstPatience;
                for (; route is not null && !ran && !_stopping; (route, _) = Next(all)) ran = await RunAsync(route);
            }
            else
            {
                _patience = Longest(all) < _patience * 2 ? Longest(all) : _patience * 2;
            }
        }
        finally
        {
            gate.Open();
            foreach (var each in all) each.Wake();
        }

        var held = options.Time.GetElapsedTime(began);
        return held > TimeSpan.Zero ? held : TimeSpan.FromMilliseconds(1);
    }

    private async Task<bool> RunAsync(ServiceRoute route)
    {
        bool ran;
        try
        {
            Runs = true;
            ran = await route.RunSuspectAsync();
        }
        finally
        {
            Runs = false;
        }

        // Without a permit (an abandoned handler holds the last one): not again before the next turn.
        if (!ran && route.UntilSuspect() == TimeSpan.Zero) route.PostponeSuspects();
        return ran;
    }

    /// <summary>The next service, in turn, that may have a suspect to run now; or how long until there may be one.</summary>
    private (ServiceRoute? Route, TimeSpan? Wait) Next(IReadOnlyList<ServiceRoute> all)
    {
        TimeSpan? least = null;
        for (var i = 0; i < all.Count; i++)
        {
            var index = (_next + i) % all.Count;
            if (all[index].UntilSuspect() is not { } wait) continue;
            if (wait == TimeSpan.Zero)
            {
                _next = (index + 1) % all.Count;
                return (all[index], null);
            }

            if (least is null || wait < least) least = wait;
        }

        return (null, least);
    }

    private static void Suspect(IReadOnlyList<ServiceRoute> routes)
    {
        foreach (var route in routes) route.SuspectsFound();
    }

    private TimeSpan Longest(IReadOnlyList<ServiceRoute> all)
    {
        var longest = FirstPatience;
        foreach (var route in all)
        {
            var bound = route.Guard.Policy.Timeout + options.AbandonAfter;
            if (bound > longest) longest = bound;
        }

        return longest;
    }
}
