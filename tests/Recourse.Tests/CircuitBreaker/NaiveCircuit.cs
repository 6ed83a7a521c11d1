namespace Recourse.Tests.CircuitBreaking;

/// <summary>
/// A breaker written for reading: everything is kept in lists and looked through each time. Jitter is always sampled at one half.
/// </summary>
internal sealed class NaiveCircuit(CircuitBreakerOptions options)
{
    internal sealed record Permit(object? Era, bool IsProbe, long Expires)
    {
        internal bool Done;
    }

    private readonly record struct Result(long At, bool Failure, bool Slow);

    private List<Result> _results = [];
    private readonly List<Permit> _probes = [];
    private object _era = new();
    private long _since;
    private long _openUntil;
    private long _lastOpenTime;
    private int _openings;
    private int _successes;
    private int _failures;

    internal long Now;
    internal CircuitBreakerOptions Options = options;
    internal CircuitState Stored { get; private set; }
    internal int Opened { get; private set; }

    internal CircuitState State => Stored == CircuitState.Open && Now >= _openUntil ? CircuitState.HalfOpen : Stored;

    internal int OpeningsInRow => _openings;

    internal int ProbeSuccesses => Stored == CircuitState.HalfOpen ? _successes : 0;

    internal int ProbesInFlight => Stored == CircuitState.HalfOpen ? _probes.Count(probe => Now < probe.Expires) : 0;

    internal (int Calls, int Failures, int Slow) Counts
    {
        get
        {
            if (Stored != CircuitState.Closed)
                return default;
            if (Options.Mode == CircuitMode.Consecutive)
                return (0, _results.AsEnumerable().Reverse().TakeWhile(result => result.Failure).Count(), 0);
            var window = Window();
            return (window.Length, window.Count(result => result.Failure), window.Count(result => result.Slow));
        }
    }

    internal long RetryAfter => State switch
    {
        CircuitState.Isolated => TimeSpan.MaxValue.Ticks,
        CircuitState.Open => _openUntil - Now,
        CircuitState.HalfOpen when Stored == CircuitState.HalfOpen && ProbesInFlight >= Options.PermittedProbes
            => _probes.Where(probe => Now < probe.Expires).Min(probe => probe.Expires) - Now,
        _ => 0,
    };

    internal Permit? Enter()
    {
        if (Stored == CircuitState.Open && Now >= _openUntil)
            Become(CircuitState.HalfOpen);
        if (Stored == CircuitState.Closed)
            return new(_era, false, 0);
        if (Stored != CircuitState.HalfOpen || ProbesInFlight >= Options.PermittedProbes)
            return null;
        var probe = new Permit(_era, true, Now + Options.ProbeLease.Ticks);
        _probes.Add(probe);
        return probe;
    }

    internal PermitReport Report(Permit permit, Judgement judgement, bool slow)
    {
        if (permit.Era != _era || permit.IsProbe && (permit.Done || Now >= permit.Expires))
            return PermitReport.Stale;
        permit.Done = true;
        if (permit.IsProbe)
            _probes.Remove(permit);
        if (judgement == Judgement.Neutral)
            return PermitReport.Accepted;
        if (permit.IsProbe)
            ProbeEnded(judgement == Judgement.Failure || slow);
        else
            CallEnded(judgement == Judgement.Failure, slow);
        return PermitReport.Accepted;
    }

    internal void Trip(long? openFor = null)
    {
        if (Stored != CircuitState.Isolated)
            Open(openFor);
    }

    internal void Isolate()
    {
        if (Stored != CircuitState.Isolated)
            Become(CircuitState.Isolated);
    }

    internal void Reset()
    {
        Become(CircuitState.Closed);
        (_openings, _lastOpenTime) = (0, 0);
    }

    private void ProbeEnded(bool failed)
    {
        if (failed && ++_failures >= Options.ProbeFailureThreshold)
            Open(null);
        else if (!failed && ++_successes >= Options.SuccessThreshold)
            Become(CircuitState.Closed);
    }

    private void CallEnded(bool failure, bool slow)
    {
        var consecutive = Options.Mode == CircuitMode.Consecutive;
        _results.Add(new(Now, failure || consecutive && slow, slow));
        if (!failure && !slow)
            return;
        var (calls, failures, slowCalls) = Counts;
        var room = Options.Mode == CircuitMode.CountWindow ? Options.WindowSize : int.MaxValue;
        var least = Math.Min(room, Options.MinimumThroughput);
        var opens = consecutive
            ? failures >= Options.FailureThreshold
            : failures >= (Options.FailuresInWindow ?? int.MaxValue)
              || calls >= least && (failures >= (decimal)Options.FailureRate * calls
                                    || slowCalls > 0 && slowCalls >= (decimal)Options.SlowCallRate * calls);
        if (opens)
            Open(null);
    }

    private Result[] Window()
    {
        if (Options.Mode == CircuitMode.CountWindow)
            return [.. _results.TakeLast(Options.WindowSize)];
        var tenth = Options.WindowDuration.Ticks / 10;
        return [.. _results.Where(result => result.At / tenth > Now / tenth - 10)];
    }

    private void Open(long? openFor)
    {
        if (Stored == CircuitState.Closed && Now - _since >= _lastOpenTime)
            _openings = 1;
        else if (Stored == CircuitState.Open)
            _openings = Math.Max(1, _openings);
        else
            _openings++;
        var time = (double)Options.OpenTime.Ticks;
        for (var opening = 1; opening < _openings && time < Options.OpenTimeMax.Ticks; opening++)
            time *= Options.OpenTimeGrowth;
        time = Math.Min(time, Math.Max(Options.OpenTime.Ticks, Options.OpenTimeMax.Ticks)) * (1 - Options.OpenTimeJitter * 0.5);
        Become(CircuitState.Open);
        _lastOpenTime = openFor ?? (long)time;
        _openUntil = Now + _lastOpenTime;
        Opened++;
    }

    private void Become(CircuitState state)
    {
        Stored = state;
        _era = new();
        _since = Now;
        _results = [];
        _probes.Clear();
        (_successes, _failures) = (0, 0);
    }
}
