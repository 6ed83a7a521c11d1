using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Recourse.Tests;

public class PipelineConfigurationTests
{
    [Fact]
    public void Every_option_of_a_retry_can_stand_in_a_configuration()
    {
        var options = Built("Retry",
            ("MaxAttempts", "7"), ("Repeatable", "true"), ("Scope", "transaction"), ("MaxTotalTime", "2m"), ("AttemptTime", "5ms"),
            ("MaxRetryAfter", "3s"), ("MaxDelay", "4s"), ("RetryOn", "timeout, conflict"), ("RetryOnCategories:0", "communication"),
            ("RetryOnCategories:1", "Dependency"), ("Backoff:Kind", "fibonacci"), ("Backoff:Initial", "20ms"), ("Backoff:Max", "9s"),
            ("Backoff:Jitter", "proportional"), ("Backoff:JitterRange", "0.3"),
            ("ByKind:db_deadlock:MaxAttempts", "9"), ("ByKind:db_deadlock:Backoff:Kind", "linear"),
            ("ByKind:db_deadlock:Backoff:Step", "7ms"), ("ByCategory:resource:MaxAttempts", "2"),
            ("Budget:Ratio", "0.5"), ("Budget:MinimumPerSecond", "3"), ("Budget:TimeToLive", "20s"), ("Budget:ThrottledRetryCost", "4"))
            .Strategies.OfType<RetryStrategy>().Single().Options;
        Assert.Equal((7, true, RetryScope.Transaction), (options.MaxAttempts, options.Repeatable, options.Scope));
        Assert.Equal((TimeSpan.FromMinutes(2), TimeSpan.FromMilliseconds(5)), (options.MaxTotalTime, options.AttemptTime));
        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(4)), (options.MaxRetryAfter, options.MaxDelay));
        Assert.Equal([FaultKind.Timeout, FaultKind.Conflict], options.RetryOn!);
        Assert.Equal([FaultCategory.Communication, FaultCategory.Dependency], options.RetryOnCategories!);
        Assert.Equal((BackoffKind.Fibonacci, JitterKind.Proportional, 0.3),
            (options.Backoff!.Kind, options.Backoff.Jitter, options.Backoff.JitterRange));
        Assert.Equal((9, TimeSpan.FromMilliseconds(7)),
            (options.ByKind![FaultKind.DbDeadlock].MaxAttempts, options.ByKind[FaultKind.DbDeadlock].Backoff!.Step));
        Assert.Equal(new RetryPolicy(2), options.ByCategory![FaultCategory.Resource]);
        Assert.Equal(
            new RetryBudgetOptions { Ratio = 0.5, MinimumPerSecond = 3, TimeToLive = TimeSpan.FromSeconds(20), ThrottledRetryCost = 4 },
            options.BudgetOptions);
    }

    [Fact]
    public void Every_option_of_the_other_strategies_can_stand_in_a_configuration()
    {
        var pipeline = Built("",
            ("Fallback:Value", "7"), ("Fallback:Type", "int"), ("Fallback:OnCategories", "communication"),
            ("RateLimit:Kind", "slidingWindow"), ("RateLimit:Permits", "50"), ("RateLimit:Segments", "5"), ("RateLimit:QueueLimit", "2"),
            ("Bulkhead:MaxConcurrent", "5"), ("Bulkhead:MaxQueue", "6"), ("Bulkhead:QueueTimeout", "infinite"), ("TotalAttempts", "9"),
            ("Deadline", "1m"), ("Timeout:Limit", "30s"), ("Timeout:Precise", "true"), ("Timeout:AbandonAfter", "2s"),
            ("Retry", "true"), ("CircuitBreaker:Mode", "TimeWindow"), ("CircuitBreaker:WindowDuration", "40s"),
            ("CircuitBreaker:FailuresInWindow", "8"), ("CircuitBreaker:SlowCallDuration", "1s"), ("AttemptTimeout", "00:00:10"));
        Assert.Equal(
            """
            p:
              fallback: a value for Int32, on some faults
                rate limit: 'p', 50 in 1 s
                  bulkhead: 'p', 5 at once, a queue of 6 for ever
                    total attempts: at most 9 in all layers
                      deadline: 60 s
                        timeout: 30 s, abandons after 2 s
                          retry: attempts by the fault, backoff by the fault
            """,
            string.Join('\n', pipeline.Describe().Split('\n').Take(8)), ignoreLineEndingDifferences: true);
        Assert.Equal(5, pipeline.RateLimits.Single().Options.Segments);
        var circuit = pipeline.CircuitBreakers.Single().Options;
        Assert.Equal(
            (CircuitMode.TimeWindow, 8, TimeSpan.FromSeconds(1)), (circuit.Mode, circuit.FailuresInWindow, circuit.SlowCallDuration));
    }

    [Theory]
    [InlineData("text", "\"sorry\"")]
    [InlineData("boolean", "true")]
    [InlineData("long", "5000000000")]
    [InlineData("double", "0.5")]
    [InlineData("decimal", "1.25")]
    public async Task A_fallback_answers_with_a_value_of_its_type(string type, string value)
    {
        var pipeline = Built("Fallback", ("Type", type), ("Value", value));
        var answers = new object?[]
        {
            await Answer("none"), await Answer(false), await Answer(0L), await Answer(0.0), await Answer(0m),
        };
        var expected = type switch
        {
            "text" => (object)value,
            "boolean" => true,
            "long" => 5_000_000_000,
            "double" => 0.5,
            _ => 1.25m,
        };
        Assert.Equal(expected, answers.OfType<object>().Single());

        async Task<object?> Answer<T>(T _)
        {
            var outcome = await pipeline.TryExecuteAsync<T>(_ => throw Script.Refused());
            return outcome.IsSuccess ? outcome.Value : null;
        }
    }

    [Theory]
    [InlineData("Retry:ByKind:nonsense:MaxAttempts", "3", "'root:p:Retry:ByKind:nonsense'", "a kind of fault")]
    [InlineData("Retry:ByCategory:99:MaxAttempts", "3", "'root:p:Retry:ByCategory:99'", "communication, timeout")]
    [InlineData("Retry:ByKind:timeout:Backoff:Kind", "linear", "'root:p:Retry:ByKind:timeout:MaxAttempts'", "a whole number")]
    [InlineData("Retry:ByKind:timeout:MaxAttemps", "3", "MaxAttempts", "a whole number")]
    [InlineData("Retry:RetryOnCategories", "weather", "'root:p:Retry:RetryOnCategories' is 'weather'", "communication, timeout")]
    [InlineData("Retry:Budget:Ratio", "12", "'root:p:Retry': RetryBudgetOptions.Ratio is 12", "from 0 to 10")]
    [InlineData("Retry:Budget:Ration", "1", "'root:p:Retry:Budget:Ration'", "did you mean 'Ratio'?")]
    [InlineData("Retry", "often", "'root:p:Retry' is 'often'", "true, false or a section")]
    [InlineData("Timeout:Limit", "0s", "'root:p:Timeout': TimeoutOptions.Limit is 0", "from 1 ms")]
    [InlineData("Deadline", "0s", "'root:p:Deadline': Deadline is 0", "from 1 ms")]
    [InlineData("TotalAttempts", "0", "'root:p:TotalAttempts': TotalAttempts is 0", "from 1")]
    [InlineData("Bulkhead:MaxConcurrent", "0", "'root:p:Bulkhead': BulkheadOptions.MaxConcurrent is 0", "from 1 to 1000000")]
    [InlineData("Fallback:Type", "colour", "'root:p:Fallback:Type' is 'colour'", "one of Text, Boolean")]
    public void A_wrong_value_is_named_with_its_key_and_what_is_allowed(string key, string value, string named, string allowed)
    {
        var message = Assert.Throws<InvalidOptionsException>(() => Built("", (key, value))).Message;
        Assert.Contains(named, message);
        Assert.Contains(allowed, message);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("other:Retry", "true")]
    [InlineData("p", "true")]
    public void A_section_that_is_missing_or_empty_is_refused_by_its_path(string key, string value)
    {
        var section = Configuration((key, value)).GetSection("root:p");
        var message = Assert.Throws<InvalidOptionsException>(() => new PipelineBuilder("orders").Configure(section)).Message;
        Assert.Contains("'root:p' is missing or has no settings, so pipeline 'orders' would protect nothing", message);
    }

    [Fact]
    public void A_section_that_vanishes_while_the_program_runs_leaves_the_pipeline_as_it_was()
    {
        var configuration = Configuration(("p:CircuitBreaker", "true"));
        using var services = new ServiceCollection()
            .AddRecourse(recourse => recourse.AddPipelines(configuration.GetSection("root"))).BuildServiceProvider();
        var pipeline = services.GetRequiredKeyedService<Pipeline>("p");
        configuration["root:p:CircuitBreaker"] = null;
        configuration.Reload();
        Assert.Single(pipeline.Strategies);
    }

    [Fact]
    public void False_turns_a_strategy_off()
    {
        Assert.Empty(Built("", ("Retry", "false"), ("CircuitBreaker", "False")).Strategies);
        Assert.Single(Built("", ("CircuitBreaker", "true")).Strategies);
    }

    [Fact]
    public async Task T15_A_reload_keeps_breakers_permits_and_what_the_budget_has_spent()
    {
        var configuration = Configuration(
            ("p:Retry:MaxAttempts", "3"), ("p:Retry:Backoff:Kind", "constant"), ("p:Retry:Backoff:Initial", "0ms"),
            ("p:Retry:Budget:Ratio", "0"), ("p:Retry:Budget:MinimumPerSecond", "2"), ("p:Bulkhead:MaxConcurrent", "3"),
            ("p:CircuitBreaker:FailureThreshold", "50"));
        await using var services = new ServiceCollection().AddSingleton<TimeProvider>(new ManualClock())
            .AddRecourse(recourse => recourse.AddPipelines(configuration.GetSection("root"))).BuildServiceProvider();
        var pipeline = services.GetRequiredKeyedService<Pipeline>("p");
        await pipeline.TryExecuteAsync(Script.FailsTimes(9).Run);
        var (breaker, bulkhead) = (pipeline.CircuitBreakers.Single(), pipeline.Bulkheads.Single());
        Assert.True(bulkhead.TryAcquire());
        var left = pipeline.RetryBudgets.Single().Available;
        configuration["root:p:Retry:Budget:MinimumPerSecond"] = "1";
        configuration["root:p:Bulkhead:MaxConcurrent"] = "2";
        configuration["root:p:CircuitBreaker:FailureThreshold"] = "4";
        configuration.Reload();
        Assert.Equal(18, left);
        Assert.Equal(8, pipeline.RetryBudgets.Single().Available);
        Assert.Same(bulkhead, pipeline.Bulkheads.Single());
        Assert.Equal((2, 1), (bulkhead.Limit, bulkhead.InFlight));
        Assert.Same(breaker, pipeline.CircuitBreakers.Single());
        await pipeline.TryExecuteAsync(Script.FailsTimes(9).Run);
        Assert.Equal(CircuitState.Open, breaker.State);
    }

    private static Pipeline Built(string section, params (string Key, string Value)[] settings)
    {
        var prefix = section.Length == 0 ? "p:" : $"p:{section}:";
        var configuration = Configuration([.. settings.Select(setting => ($"{prefix}{setting.Key}", setting.Value))]);
        return new PipelineBuilder("p").Configure(configuration.GetSection("root:p")).Build();
    }

    internal static IConfigurationRoot Configuration(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().Add(new Memory(settings)).Build();

    // The package with the in-memory source is not among ours; this is all of it that is needed here.
    private sealed class Memory((string Key, string Value)[] settings) : ConfigurationProvider, IConfigurationSource
    {
        public override void Load()
        {
            foreach (var (key, value) in settings) Data.TryAdd($"root:{key}", value);
            OnReload();
        }

        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;
    }
}
