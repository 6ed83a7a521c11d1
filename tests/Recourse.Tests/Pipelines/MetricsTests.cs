using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;

namespace Recourse.Tests;

/// <summary>Every instrument is measured once, and the table of the docs says exactly that.</summary>
public partial class MetricsTests
{
    private readonly ManualClock _clock = new();
    private readonly string _name = $"metrics {Guid.NewGuid()}";
    private readonly Dictionary<string, (string Type, string Labels)> _instruments = [];
    private readonly List<(string Name, double Value, Dictionary<string, string?> Tags)> _seen = [];

    [Fact]
    public async Task The_table_of_the_docs_names_every_instrument_with_its_type_and_labels()
    {
        using var listener = Listen();
        using var registry = new PipelineRegistry();
        await UseEverything(registry);
        listener.RecordObservableInstruments();
        Dictionary<string, (string Type, string Labels)> documented = [];
        var page = File.ReadAllText(Path.Combine(Root(), "docs", "reference", "metrics.md"));
        foreach (Match row in Row().Matches(page[page.IndexOf("## The library", StringComparison.Ordinal)..]))
        {
            var labels = Label().Matches(row.Groups["labels"].Value).Select(label => label.Groups[1].Value);
            documented.Add(row.Groups["name"].Value, (row.Groups["type"].Value, string.Join(',', labels.Order())));
        }

        foreach (var (name, measured) in _instruments.OrderBy(entry => entry.Key))
            Assert.True(documented.TryGetValue(name, out var said) && said == measured, $"{name}: docs {said}, measured {measured}");
        Assert.Equal(documented.Keys.Order(), _instruments.Keys.Order());
        Assert.All(_instruments.Values, instrument => Assert.NotEqual("never measured", instrument.Labels));
    }

    [Fact]
    public async Task What_each_strategy_does_is_counted_with_its_reason()
    {
        using var listener = Listen();
        using var registry = new PipelineRegistry();
        await UseEverything(registry);
        Assert.Equal(
            ["bulkhead_full b", "circuit_open c", "queue_timeout q", "rate_limit r"],
            Own(RecourseDiagnostics.Rejections).Select(tags => $"{tags["reason"]} {tags["by"]}").Distinct().Order());
        Assert.Contains(Own(RecourseDiagnostics.RetryStopped), tags => tags["reason"] == "budget");
        Assert.Equal(
            ["deadline_exceeded false", "timeout false", "timeout true"],
            Own(RecourseDiagnostics.Timeouts).Select(tags => $"{tags["kind"]} {tags["abandoned"]}").Order());
        Assert.Equal("connection_refused", Own(RecourseDiagnostics.Fallbacks).Single()["kind"]);
        Assert.Equal([1, -1], Values(RecourseDiagnostics.Abandoned));
        // Two waits of 3 s between the end of the first failed attempt and the attempt that worked.
        Assert.Equal([6], Values(RecourseDiagnostics.RecoveryDuration));
    }

    [Fact]
    public async Task The_health_of_a_pipeline_says_what_is_not_as_usual()
    {
        var pipeline = new PipelineBuilder(_name, _clock)
            .Bulkhead(new BulkheadOptions { Name = "b", MaxConcurrent = 1 })
            .Timeout(new TimeoutOptions { Limit = TimeSpan.FromSeconds(1), AbandonAfter = TimeSpan.Zero })
            .Retry(new RetryOptions { BudgetOptions = new RetryBudgetOptions { Ratio = 0, MinimumPerSecond = 0 } })
            .CircuitBreaker(new CircuitBreakerOptions { Name = "c" }).Build();
        Assert.Equal([new PipelineFinding("retry", "Retry budget spent", true)], pipeline.Health.Findings);
        var never = new TaskCompletionSource<int>();
        var call = pipeline.TryExecuteAsync(async _ => await never.Task);
        Assert.Contains(new PipelineFinding("b", "Full", false), pipeline.Health.Findings);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await call;
        Assert.Contains(pipeline.Health.Findings, finding => finding is { Part: "timeout", Degrades: true });
        pipeline.CircuitBreakers.Single().Isolate();
        Assert.Contains(new PipelineFinding("c", "Isolated", true), pipeline.Health.Findings);
        Assert.StartsWith("degraded: retry: Retry budget spent; c: Isolated; timeout: 1 abandoned", $"{pipeline.Health}");
        never.SetResult(1);
        var well = new PipelineBuilder("well").Retry().CircuitBreaker().Bulkhead().Build().Health;
        Assert.True(well.IsHealthy);
        Assert.Equal("healthy", $"{well}");
        Assert.Empty(well.Findings);
    }

    private async Task UseEverything(PipelineRegistry registry)
    {
        var circuit = registry.GetOrAdd(_name, _ => new PipelineBuilder(_name, _clock).Bulkhead(new BulkheadOptions { Name = "b" })
            .Retry(new RetryOptions { BudgetOptions = new RetryBudgetOptions { Ratio = 0, MinimumPerSecond = 0 } })
            .CircuitBreaker(new CircuitBreakerOptions { Name = "c", FailureThreshold = 1, OnTransition = _ => throw new Quiet() }).Build());
        await circuit.TryExecuteAsync(Script.FailsTimes(9).Run);
        await circuit.TryExecuteAsync(Script.FailsTimes(9).Run);

        var recovers = Build(builder => builder.Retry(3, Backoff.Constant(TimeSpan.FromSeconds(3))));
        var recovery = recovers.TryExecuteAsync(Script.FailsTimes(2).Run);
        _clock.Advance(TimeSpan.FromSeconds(6));
        Assert.True((await recovery).IsSuccess);

        Assert.Equal(7, await Build(builder => builder.Fallback(7)).ExecuteAsync(Script.FailsTimes(9).Run));
        await PassLimits();
        await FillBulkheads();
        var limit = Build(builder => builder.RateLimit(new RateLimitOptions { Name = "r", Permits = 1, Period = TimeSpan.FromDays(1) }));
        await limit.TryExecuteAsync(Script.FailsTimes(0).Run);
        await limit.TryExecuteAsync(Script.FailsTimes(0).Run);
    }

    private async Task PassLimits()
    {
        var second = TimeSpan.FromSeconds(1);
        var never = new TaskCompletionSource<int>();
        var abandons = Build(builder => builder.Timeout(new TimeoutOptions { Limit = second, AbandonAfter = TimeSpan.Zero }));
        var (timeout, deadline) = (Build(builder => builder.Timeout(second)), Build(builder => builder.Deadline(second)));
        foreach (var pipeline in (Pipeline[])[timeout, deadline, abandons])
        {
            var call = pipeline.TryExecuteAsync(async token => await never.Task.WaitAsync(pipeline == abandons ? default : token));
            _clock.Advance(second);
            Assert.IsType<TimeoutExceededException>((await call).Exception);
        }

        never.SetResult(1);
        SpinWait.SpinUntil(() => abandons.Statistics.AbandonedNow == 0);
    }

    private async Task FillBulkheads()
    {
        var never = new TaskCompletionSource<int>();
        var full = Build(builder => builder.Bulkhead(new BulkheadOptions { Name = "b", MaxConcurrent = 1 }));
        var queue = Build(builder => builder.Bulkhead(
            new BulkheadOptions { Name = "q", MaxConcurrent = 1, MaxQueue = 1, QueueTimeout = TimeSpan.FromSeconds(1) }));
        var (first, second) = (full.TryExecuteAsync(async _ => await never.Task), queue.TryExecuteAsync(async _ => await never.Task));
        await full.TryExecuteAsync(Script.FailsTimes(0).Run);
        var waits = queue.TryExecuteAsync(Script.FailsTimes(0).Run);
        _clock.Advance(TimeSpan.FromSeconds(1));
        await waits;
        never.SetResult(1);
        await first;
        await second;
    }

    private Pipeline Build(Func<PipelineBuilder, PipelineBuilder> configure) => configure(new PipelineBuilder(_name, _clock)).Build();

    private IEnumerable<Dictionary<string, string?>> Own(string instrument)
    {
        lock (_seen)
        {
            return [.. _seen.Where(measured => measured.Name == instrument && Equals(measured.Tags["pipeline"], _name))
                .Select(measured => measured.Tags)];
        }
    }

    private IEnumerable<double> Values(string instrument)
    {
        lock (_seen)
        {
            return [.. _seen.Where(measured => measured.Name == instrument && Equals(measured.Tags["pipeline"], _name))
                .Select(measured => measured.Value)];
        }
    }

    private MeterListener Listen()
    {
        var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name != RecourseDiagnostics.Name) return;
            lock (_seen) _instruments.TryAdd(instrument.Name, (TypeOf(instrument), "never measured"));
            self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();
        return listener;
    }

    private void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var known = new Dictionary<string, string?>();
        foreach (var (key, tag) in tags) known[key] = tag?.ToString();
        lock (_seen)
        {
            _instruments[instrument.Name] = (TypeOf(instrument), string.Join(',', known.Keys.Order()));
            known.TryAdd("pipeline", null);
            _seen.Add((instrument.Name, value, known));
        }
    }

    private static string TypeOf(Instrument instrument) => instrument.GetType().Name.Split('`')[0] switch
    {
        "Counter" => "counter",
        "Histogram" => "histogram",
        "UpDownCounter" => "up-down counter",
        _ => "gauge",
    };

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Recourse.slnx"))) folder = folder.Parent;
        return folder!.FullName;
    }

    [GeneratedRegex(@"^\| `(?<name>recourse_\w+)` \| (?<type>[^|]+) \| [^|]*\| (?<labels>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([a-z]+)`")]
    private static partial Regex Label();

    private sealed class Quiet : Exception;
}
