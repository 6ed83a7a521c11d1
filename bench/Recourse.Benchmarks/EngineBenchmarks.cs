using BenchmarkDotNet.Attributes;

namespace Recourse.Benchmarks;

/// <summary>Every protection around a call that ends at once.</summary>
[MemoryDiagnoser]
public class SuccessBenchmarks
{
    private Pair _pair = null!;

    [ParamsSource(nameof(Names))]
    public string Case { get; set; } = "";

    public static IEnumerable<string> Names => Pair.All().Select(pair => pair.Name);

    [GlobalSetup]
    public void Setup() => _pair = Pair.All().First(pair => pair.Name == Case);

    [Benchmark(Baseline = true)]
    public ValueTask<string> Polly() => _pair.Theirs.ExecuteAsync(static (state, _) => new ValueTask<string>(state), "result");

    [Benchmark]
    public ValueTask<string> Recourse() => _pair.Ours.ExecuteAsync(static (state, _) => new ValueTask<string>(state), "result");
}

/// <summary>Every protection around calls that suspend.</summary>
[MemoryDiagnoser]
public class SuspendedBenchmarks
{
    private Pair _pair = null!;
    private SuspendedLoops _loops = null!;

    [ParamsSource(nameof(Names))]
    public string Case { get; set; } = "";

    [Params(1, 64, 512)]
    public int InFlight { get; set; }

    public static IEnumerable<string> Names => SuccessBenchmarks.Names;

    [GlobalSetup]
    public void Setup()
    {
        _pair = Pair.All().First(pair => pair.Name == Case);
        _loops = new SuspendedLoops(InFlight);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = 512)]
    public void Polly() => _loops.Theirs(_pair.Theirs, 512);

    [Benchmark(OperationsPerInvoke = 512)]
    public void Recourse() => _loops.Ours(_pair.Ours, 512);
}

/// <summary>Building a pipeline of three strategies.</summary>
[MemoryDiagnoser]
public class BuildBenchmarks
{
    [Benchmark(Baseline = true)]
    public object Polly() => Pair.TheirsThree();

    [Benchmark]
    public object Recourse() => Pair.OursThree();
}

/// <summary>Refusals and retries.</summary>
[MemoryDiagnoser]
public class FailureBenchmarks
{
    private readonly Pipeline _open = Failures.OursOpen();
    private readonly global::Polly.ResiliencePipeline _theirsOpen = Failures.TheirsOpen();
    private readonly Pipeline _four = Failures.OursFour();
    private readonly global::Polly.ResiliencePipeline _theirsFour = Failures.TheirsFour();

    [Benchmark]
    public bool RejectionAsOutcome_Recourse() => _open.TryExecuteAsync(static (state, _) => new ValueTask<int>(state), 1).Result.IsSuccess;

    [Benchmark]
    public async Task RejectionThrown_Polly() => await Swallow(_theirsOpen.ExecuteAsync(static (state, _) => new ValueTask<int>(state), 1));

    [Benchmark]
    public async Task RejectionThrown_Recourse() => await Swallow(_open.ExecuteAsync(static (state, _) => new ValueTask<int>(state), 1));

    [Benchmark]
    public async Task FourAttempts_Polly() => await Swallow(_theirsFour.ExecuteAsync(static (_, _) => Failing(), 1));

    [Benchmark]
    public async Task FourAttempts_Recourse() => await Swallow(_four.ExecuteAsync(static (_, _) => Failing(), 1));

    private static ValueTask<int> Failing() => throw new TimeoutException();

    private static async Task Swallow(ValueTask<int> call)
    {
        try
        {
            await call;
        }
        catch (Exception)
        {
            // Counted by how long it takes.
        }
    }
}
