using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;

namespace Recourse;

/// <summary>How many pipelines a registry keeps, and for how long.</summary>
public sealed record PipelineRegistryOptions
{
    /// <summary>
    /// Most pipelines kept. Default 1,000; from 1 to 1,000,000. One more displaces the one that was not used for longest.
    /// </summary>
    public int MaxEntries { get; init; } = 1_000;

    /// <summary>
    /// A pipeline that was not used for this long is dropped when room is needed first. Default 1 h; more than zero, up to 49 days.
    /// </summary>
    public TimeSpan IdleTime { get; init; } = TimeSpan.FromHours(1);

    internal PipelineRegistryOptions Checked()
    {
        const string at = nameof(PipelineRegistryOptions) + ".";
        Check.Range(at + nameof(MaxEntries), MaxEntries, 1, 1_000_000);
        Check.Range(at + nameof(IdleTime), IdleTime, TimeSpan.FromTicks(1), Durations.TimerMax);
        return this;
    }
}

/// <summary>
/// Pipelines by key: by name, by service, by tenant. Bounded. A pipeline whose circuit is not closed is never dropped, since that would
/// forget an outage; if all are like that, a new key gets a pipeline that is not kept. Safe from any thread.
/// </summary>
public sealed class PipelineRegistry : IDisposable
{
    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly PipelineRegistryOptions _options;
    private readonly TickClock _clock;
    private readonly Lock _lock = new();
    private readonly Meter _meter = new(RecourseDiagnostics.Name);

    /// <summary>An empty registry.</summary>
    /// <param name="options">Its bounds; null for the defaults.</param>
    /// <param name="time">The clock for idle times; null for the system's.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public PipelineRegistry(PipelineRegistryOptions? options = null, TimeProvider? time = null)
    {
        _options = (options ?? new()).Checked();
        _clock = new(time);
        Meters.Observe(_meter, () => _entries.Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Pipeline)));
    }

    /// <summary>How many pipelines are kept.</summary>
    public int Count => _entries.Count;

    /// <summary>The pipelines that are kept, by key, as of now.</summary>
    public IReadOnlyDictionary<string, Pipeline> Pipelines => _entries.ToDictionary(entry => entry.Key, entry => entry.Value.Pipeline);

    /// <summary>The pipeline of a key, made at the first question.</summary>
    /// <param name="key">Compared by ordinal.</param>
    /// <param name="make">Makes the pipeline; called once for a key, under a lock, so it must not ask the registry.</param>
    public Pipeline GetOrAdd(string key, Func<string, Pipeline> make)
    {
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(make);
        if (TryGet(key, out var known)) return known;
        lock (_lock)
        {
            if (TryGet(key, out known)) return known;
            var pipeline = make(key);
            if (_entries.Count < _options.MaxEntries || MakeRoom_NeedsLock()) _entries[key] = new Entry(pipeline) { Used = _clock.Coarse };
            return pipeline;
        }
    }

    /// <summary>The pipeline of a key, if it is kept.</summary>
    /// <param name="key">The key.</param>
    /// <param name="pipeline">The pipeline, or null.</param>
    public bool TryGet(string key, [NotNullWhen(true)] out Pipeline? pipeline)
    {
        pipeline = null;
        if (!_entries.TryGetValue(key, out var entry)) return false;
        entry.Used = _clock.Coarse;
        pipeline = entry.Pipeline;
        return true;
    }

    /// <summary>Drops a pipeline, whatever the state of its circuit. Calls in flight are not affected.</summary>
    /// <param name="key">The key.</param>
    public bool Remove(string key) => _entries.TryRemove(key, out _);

    /// <summary>Ends the metrics of the registry; the pipelines stay usable.</summary>
    public void Dispose() => _meter.Dispose();

    // All that are idle, or else the one that was not used for longest.
    private bool MakeRoom_NeedsLock()
    {
        var before = _clock.Coarse - _options.IdleTime.Ticks;
        (string Key, long Used)? oldest = null;
        var dropped = false;
        foreach (var (key, entry) in _entries)
        {
            if (entry.IsPinned) continue;
            if (entry.Used <= before) dropped |= _entries.TryRemove(key, out _);
            else if (oldest is null || entry.Used < oldest.Value.Used) oldest = (key, entry.Used);
        }

        return dropped || (oldest is { } last && _entries.TryRemove(last.Key, out _));
    }

    private sealed class Entry(Pipeline pipeline)
    {
        private long _used;

        internal Pipeline Pipeline { get; } = pipeline;

        internal long Used
        {
            get => Volatile.Read(ref _used);
            set => Volatile.Write(ref _used, value);
        }

        internal bool IsPinned => Pipeline.CircuitBreakers.Any(breaker => breaker.State != CircuitState.Closed);
    }
}
