using Recourse.Tests;

namespace Recourse.Benchmarks.Outage;

/// <summary>
/// One scenario with one contender and one seed. One thread, a clock that is moved by hand, and random numbers of the seed only: the same
/// seed gives the same figures on every machine.
/// </summary>
internal sealed class OutageRun
{
    // Long enough for the last call to end by its own limits.
    private static readonly TimeSpan Drain = TimeSpan.FromSeconds(90);

    private readonly ManualClock _clock = new();
    private readonly OutageScenario _scenario;
    private readonly OutageService _service;
    private readonly long[] _begun;
    private readonly long[] _worked;
    private readonly List<double> _answers = [];
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private TimeSpan? _firstSuccess;
    private long _ended;

    private OutageRun(OutageScenario scenario, int seed)
    {
        _scenario = scenario;
        _service = new OutageService(scenario, _clock, new Random(seed));
        (_begun, _worked) = (new long[(int)scenario.Stop.TotalSeconds], new long[(int)scenario.Stop.TotalSeconds]);
    }

    internal static OutageFigures Of(OutageScenario scenario, OutageContender contender, int seed)
    {
        // Jitter of ours is drawn from the thread's numbers, that of Polly from the same numbers by its own option.
        var jitter = new Random(seed + 1_000_003);
        Chance.Seed(jitter);
        try
        {
            return new OutageRun(scenario, seed).Run(contender, jitter);
        }
        finally
        {
            Chance.Seed(null);
        }
    }

    private OutageFigures Run(OutageContender contender, Random random)
    {
        var timers = new List<ITimer>();
        var period = TimeSpan.FromSeconds(1) / _scenario.RatePerClient;
        for (var client = 0; client < _scenario.Clients; client++)
        {
            var call = contender.Client(_clock, random);
            // Clients do not begin at the same moment.
            timers.Add(_clock.CreateTimer(_ => Begin(call), null, period * (client + random.NextDouble()) / _scenario.Clients, period));
        }

        _clock.Advance(_scenario.Stop);
        foreach (var timer in timers) timer.Dispose();
        _clock.Advance(Drain);
        return Figures();
    }

    private void Begin(ProtectedCall call)
    {
        var now = _service.Now;
        if (now >= _scenario.Stop) return;
        _begun[(int)now.TotalSeconds]++;
        _ = ObserveAsync(call, now);
    }

    private async Task ObserveAsync(ProtectedCall call, TimeSpan begun)
    {
        var worked = await call(_service).ConfigureAwait(false);
        if (Environment.CurrentManagedThreadId != _thread)
            throw new InvalidOperationException("A call went on upon another thread, so its place in time is chance.");
        _ended++;
        var now = _service.Now;
        if (worked) _worked[(int)begun.TotalSeconds]++;
        if (worked && now >= _scenario.End) _firstSuccess ??= now - _scenario.End;
        if (begun >= _scenario.Before && begun < _scenario.End) _answers.Add((now - begun).TotalSeconds);
    }

    private OutageFigures Figures()
    {
        if (_ended != _begun.Sum()) throw new InvalidOperationException($"{_begun.Sum() - _ended} calls never ended.");
        var (from, to) = ((int)_scenario.Before.TotalSeconds, (int)_scenario.End.TotalSeconds);
        var attempts = _service.Attempts.ToArray();
        _answers.Sort();
        return new OutageFigures
        {
            Calls = _begun.Sum(),
            Attempts = attempts.Sum(),
            AttemptsPerCall = (double)attempts[from..to].Sum() / _begun[from..to].Sum(),
            Peak = (double)attempts.Max() / _scenario.Rate,
            SuccessDuring = (double)_worked[from..to].Sum() / _begun[from..to].Sum(),
            LostAfter = _begun[to..].Sum() - _worked[to..].Sum(),
            FirstSuccess = _firstSuccess?.TotalSeconds,
            Recovered = Recovered(to),
            SlowestAnswer = _answers[(int)(_answers.Count * 0.99)],
        };
    }

    // The first second after the trouble from which calls of five seconds on end work, 95 % of each second's.
    private int? Recovered(int end)
    {
        for (var second = end; second + 5 <= _begun.Length; second++)
        {
            if (Enumerable.Range(second, 5).All(s => _worked[s] >= 0.95 * _begun[s])) return second - end;
        }

        return null;
    }
}

/// <summary>What one run showed.</summary>
internal sealed record OutageFigures
{
    /// <summary>Calls that the clients began.</summary>
    public required long Calls { get; init; }

    /// <summary>Requests that reached the service, in the whole run.</summary>
    public required long Attempts { get; init; }

    /// <summary>Requests that reached the service during the trouble, for each call begun in that time.</summary>
    public required double AttemptsPerCall { get; init; }

    /// <summary>The greatest number of requests in one second of the whole run, as a multiple of the calls begun in one.</summary>
    public required double Peak { get; init; }

    /// <summary>The share of the calls begun during the trouble that brought a good answer in the end.</summary>
    public required double SuccessDuring { get; init; }

    /// <summary>Calls begun after the end of the trouble that failed all the same.</summary>
    public required long LostAfter { get; init; }

    /// <summary>Seconds from the end of the trouble to the first good answer; null when there was none.</summary>
    public required double? FirstSuccess { get; init; }

    /// <summary>Seconds from the end of the trouble until calls work again; null when they do not within the run.</summary>
    public required int? Recovered { get; init; }

    /// <summary>Seconds in which 99 of 100 callers of the trouble had their answer, good or bad.</summary>
    public required double SlowestAnswer { get; init; }
}
