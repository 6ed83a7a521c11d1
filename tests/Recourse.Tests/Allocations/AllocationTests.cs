using System.Threading.Tasks.Sources;

namespace Recourse.Tests;

/// <summary>What the engine allocates, counted in bytes. No stopwatch.</summary>
[Collection(nameof(AllocationTests))]
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public class AllocationTests
{
    private const int Calls = 1_024;

    public static TheoryData<string> Names => [.. Pipelines().Select(pair => pair.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_call_that_ends_at_once_allocates_nothing(string name)
    {
        var pipeline = Pipelines().First(pair => pair.Name == name).Pipeline;
        Assert.Equal(0, BytesPerCall(() =>
        {
            for (var i = 0; i < Calls; i++) Assert.NotNull(pipeline.ExecuteAsync(static (state, _) =>
                new ValueTask<string>(state), "x").Result);
        }));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_synchronous_call_allocates_nothing(string name)
    {
        var pipeline = Pipelines().First(pair => pair.Name == name).Pipeline;
        Assert.Equal(0, BytesPerCall(() =>
        {
            for (var i = 0; i < Calls; i++) Assert.NotNull(pipeline.Execute(static (state, _) => state, "x"));
        }));
    }

    [Theory]
    [CombinatorialNames]
    public void A_call_that_suspends_adds_nothing(string name, int inFlight)
    {
        var pipeline = Pipelines().First(pair => pair.Name == name).Pipeline;
        var completions = Enumerable.Range(0, inFlight).Select(_ => new Completion()).ToArray();
        var calls = new ValueTask<int>[inFlight];
        var bare = BytesPerCall(() => Round(completions, calls, static completion => completion.Begin()));
        Assert.Equal(bare, BytesPerCall(() => Round(
            completions, calls, completion => pipeline.ExecuteAsync(static (work, _) => work.Begin(), completion))));
    }

    [Fact]
    public void A_refusal_as_an_outcome_allocates_nothing()
    {
        var breaker = new CircuitBreaker();
        breaker.Isolate();
        var pipeline = new PipelineBuilder().CircuitBreaker(breaker).Build();
        Assert.Equal(0, BytesPerCall(() =>
        {
            for (var i = 0; i < Calls; i++) Assert.False(pipeline.TryExecuteAsync(static (state, _) =>
                new ValueTask<string>(state), "x").Result.IsSuccess);
        }));
    }

    private static IEnumerable<(string Name, Pipeline Pipeline)> Pipelines() =>
    [
        ("empty", new PipelineBuilder().Build()),
        ("retry", new PipelineBuilder().Retry().Build()),
        ("breaker", new PipelineBuilder().CircuitBreaker().Build()),
        ("timeout", new PipelineBuilder().Timeout(TimeSpan.FromSeconds(30)).Build()),
        ("bulkhead", new PipelineBuilder().Bulkhead(new BulkheadOptions { MaxConcurrent = 1_000 }).Build()),
        ("rate limit", new PipelineBuilder().RateLimit(new RateLimitOptions { Permits = 1_000_000 }).Build()),
        ("fallback", new PipelineBuilder().Fallback(1).Build()),
        ("standard", Recourse.Pipelines.Standard("standard").Build()),
    ];

    private static void Round(Completion[] completions, ValueTask<int>[] calls, Func<Completion, ValueTask<int>> begin)
    {
        for (var done = 0; done < Calls; done += calls.Length)
        {
            for (var i = 0; i < calls.Length; i++) calls[i] = begin(completions[i]);
            foreach (var completion in completions) completion.Complete();
            // No assertion in the loop: those allocate, and not always the same.
            foreach (var call in calls)
            {
                if (call.Result != 1) throw new InvalidOperationException("A call had the wrong result.");
            }
        }
    }

    // Whole bytes per call: what the runtime does beside us now and then (a timer, a tier of the compiler) does not come to one.
    private static long BytesPerCall(Action round)
    {
        for (var i = 0; i < 40; i++) round();
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least / Calls;
    }

    private sealed class CombinatorialNamesAttribute : Xunit.v3.DataAttribute
    {
        public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(
            System.Reflection.MethodInfo testMethod, Xunit.Sdk.DisposalTracker disposalTracker) =>
            new([.. from pair in Pipelines() from inFlight in (int[])[1, 64, 512] select new TheoryDataRow<string, int>(pair.Name,
                inFlight)]);

        public override bool SupportsDiscoveryEnumeration() => true;
    }

    private sealed class Completion : IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> _core;

        internal ValueTask<int> Begin()
        {
            _core.Reset();
            return new ValueTask<int>(this, _core.Version);
        }

        internal void Complete() => _core.SetResult(1);

        public int GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
