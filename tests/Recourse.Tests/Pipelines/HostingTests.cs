using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Recourse.Tests;

public class HostingTests
{
    [Fact]
    public async Task Pipelines_are_keyed_services_and_share_the_registry()
    {
        await using var services = new ServiceCollection().AddRecourse(recourse => recourse
            .AddPipeline("orders", builder =>
            builder.Retry(new RetryOptions { MaxAttempts = 2, Backoff = Backoff.Constant(TimeSpan.Zero) }))
            .AddPipeline("stock", (_, builder) => builder.CircuitBreaker())).BuildServiceProvider();
        var orders = services.GetRequiredKeyedService<Pipeline>("orders");
        Assert.Equal(42, await orders.ExecuteAsync(Script.FailsTimes(1).Run));
        Assert.Same(orders, services.GetRequiredService<PipelineRegistry>().Pipelines["orders"]);
        Assert.Same(orders, services.GetRequiredKeyedService<Pipeline>("orders"));
    }

    [Fact]
    public async Task What_cannot_be_built_stops_the_start()
    {
        await using var services = new ServiceCollection()
            .AddRecourse(recourse => recourse.AddPipeline("bad", builder => builder.Retry(0))).BuildServiceProvider();
        var thrown = Assert.ThrowsAny<Exception>(() => services.GetRequiredService<IStartupValidator>().Validate());
        Assert.Contains("RetryOptions.MaxAttempts", thrown.ToString());
    }

    [Fact]
    public async Task A_changed_configuration_is_followed_and_the_state_kept()
    {
        var configuration = Configuration(("p:Retry:MaxAttempts", "2"), ("p:Retry:Backoff:Kind", "constant"), ("p:Retry:Backoff:Initial",
            "0ms"), ("p:CircuitBreaker:FailureThreshold", "9"));
        await using var services = new ServiceCollection()
            .AddRecourse(recourse => recourse.AddPipelines(configuration.GetSection("root"))).BuildServiceProvider();
        var pipeline = services.GetRequiredKeyedService<Pipeline>("p");
        var script = Script.FailsTimes(9);
        await pipeline.TryExecuteAsync(script.Run);
        Assert.Equal(2, script.Count);
        var breaker = pipeline.CircuitBreakers.Single();
        configuration["root:p:Retry:MaxAttempts"] = "4";
        configuration.Reload();
        script = Script.FailsTimes(9);
        await pipeline.TryExecuteAsync(script.Run);
        Assert.Equal(4, script.Count);
        Assert.Same(breaker, pipeline.CircuitBreakers.Single());
        Assert.Equal(6, breaker.Statistics.Failures);
        configuration["root:p:Retry:MaxAttempts"] = "nonsense";
        configuration.Reload();
        Assert.Contains("up to 4 attempts", pipeline.Describe());
    }

    [Theory]
    [InlineData("Retry:MaxAtempts", "3", "did you mean 'MaxAttempts'?")]
    [InlineData("Retry:MaxAttempts", "many", "a whole number")]
    [InlineData("Timeout", "fast", "a duration such as")]
    [InlineData("Retry:RetryOn", "connection_refused, nonsense", "a kind of fault")]
    [InlineData("CircuitBreaker:Mode", "sometimes", "one of Consecutive")]
    [InlineData("CircuitBreaker:FailureThreshold", "0", "FailureThreshold is 0")]
    public void Settings_that_are_wrong_are_named_with_what_is_allowed(string key, string value, string message)
    {
        var section = Configuration(($"p:{key}", value)).GetSection("root:p");
        Assert.Contains(message, Assert.Throws<InvalidOptionsException>(() => new PipelineBuilder().Configure(section)).Message);
    }

    [Fact]
    public void Every_strategy_can_be_configured()
    {
        var section = Configuration(
            ("p:RateLimit:Permits", "50"), ("p:Bulkhead:MaxConcurrent", "5"), ("p:Deadline", "1m"), ("p:Timeout", "30s"), ("p:Retry:Scope",
                "transaction"),
            ("p:CircuitBreaker:Mode", "TimeWindow"), ("p:AttemptTimeout", "00:00:10")).GetSection("root:p");
        var pipeline = new PipelineBuilder("p").Configure(section).Build();
        Assert.Equal(
            ["rate limit", "bulkhead", "deadline", "timeout", "retry", "circuit breaker", "timeout"],
                pipeline.Strategies.Select(strategy => strategy.Name));
    }

    [Fact]
    public async Task The_health_check_is_degraded_while_a_circuit_is_open()
    {
        await using var services = new ServiceCollection().AddRecourse(recourse => recourse.AddPipeline("p", builder =>
            builder.CircuitBreaker())).BuildServiceProvider();
        var breaker = services.GetRequiredKeyedService<Pipeline>("p").CircuitBreakers.Single();
        var check = services.GetRequiredService<PipelineHealthCheck>();
        Assert.Equal(HealthStatus.Healthy, (await check.CheckHealthAsync(new HealthCheckContext())).Status);
        breaker.Isolate();
        var degraded = await check.CheckHealthAsync(new HealthCheckContext());
        Assert.Equal(HealthStatus.Degraded, degraded.Status);
        Assert.Equal("p/circuit", degraded.Data.Single().Key);
    }

    [Fact]
    public async Task Meters_and_activities_report_while_somebody_listens()
    {
        var name = $"observed {Guid.NewGuid()}";
        var seen = new List<(string Instrument, string? Tag)>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == RecourseDiagnostics.Name) listener.EnableMeasurementEvents(instrument);
        };
        void Note(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var own = false;
            string? last = null;
            foreach (var (key, value) in tags)
            {
                own |= key == "pipeline" && Equals(value, name);
                last = value?.ToString();
            }

            lock (seen)
            {
                if (own) seen.Add((instrument.Name, last));
            }
        }

        meters.SetMeasurementEventCallback<long>((instrument, _, tags, _) => Note(instrument, tags));
        meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Note(instrument, tags));
        meters.Start();
        Activity? activity = null;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == RecourseDiagnostics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = stopped => activity = Equals(stopped.GetTagItem("recourse.pipeline"), name) ? stopped : activity,
        };
        ActivitySource.AddActivityListener(listener);
        var pipeline = new PipelineBuilder(name).Retry(new RetryOptions
        {
            MaxAttempts = 2,
            Backoff = Backoff.Constant(TimeSpan.Zero)
        }).Build();
        var outer = Activity.Current;
        await pipeline.ExecuteAsync(Script.FailsLater(1).Run);
        await pipeline.TryExecuteAsync(Script.FailsTimes(9).Run);
        Assert.Same(outer, Activity.Current);
        Assert.Equal(
            [
                (RecourseDiagnostics.RetryAttempts, "connection_refused"), (RecourseDiagnostics.RetrySuccess, name),
                    (RecourseDiagnostics.RecoveryDuration, name), (RecourseDiagnostics.Duration, "success"),
                (RecourseDiagnostics.RetryAttempts, "connection_refused"),
                    (RecourseDiagnostics.RetryStopped, "attempts_used_up"), (RecourseDiagnostics.Errors, "connection_refused"),
                    (RecourseDiagnostics.Duration, "failure"),
            ],
            seen);
        Assert.Equal(ActivityStatusCode.Error, activity!.Status);
        Assert.Equal(2, activity.GetTagItem("recourse.attempts"));
    }

    private static IConfigurationRoot Configuration(params (string Key, string Value)[] settings) =>
        PipelineConfigurationTests.Configuration(settings);
}
