using Polly;

namespace Recourse.Benchmarks;

/// <summary>Calls that end at once, one after another.</summary>
internal static class Loops
{
    internal static void Ours(Pipeline pipeline, int calls)
    {
        var sum = 0;
        for (var i = 0; i < calls; i++) sum += pipeline.ExecuteAsync(static (state, _) => new ValueTask<int>(state), 1).Result;
        if (sum != calls) throw new InvalidOperationException();
    }

    internal static void Theirs(ResiliencePipeline pipeline, int calls)
    {
        var sum = 0;
        for (var i = 0; i < calls; i++) sum += pipeline.ExecuteAsync(static (state, _) => new ValueTask<int>(state), 1).Result;
        if (sum != calls) throw new InvalidOperationException();
    }
}

/// <summary>Calls that suspend: so many are begun, then all are completed, then all results are read.</summary>
internal sealed class SuspendedLoops
{
    private readonly Completion[] _completions;
    private readonly ValueTask<int>[] _calls;

    internal SuspendedLoops(int inFlight)
    {
        _completions = [.. Enumerable.Range(0, inFlight).Select(_ => new Completion())];
        _calls = new ValueTask<int>[inFlight];
    }

    internal void Bare(int calls)
    {
        for (var done = 0; done < calls; done += _calls.Length)
        {
            for (var i = 0; i < _calls.Length; i++) _calls[i] = _completions[i].Begin();
            Finish();
        }
    }

    internal void Ours(Pipeline pipeline, int calls)
    {
        for (var done = 0; done < calls; done += _calls.Length)
        {
            for (var i = 0; i < _calls.Length; i++) _calls[i] = pipeline.ExecuteAsync(static (work, _) => work.Begin(), _completions[i]);
            Finish();
        }
    }

    internal void Theirs(ResiliencePipeline pipeline, int calls)
    {
        for (var done = 0; done < calls; done += _calls.Length)
        {
            for (var i = 0; i < _calls.Length; i++) _calls[i] = pipeline.ExecuteAsync(static (work, _) => work.Begin(), _completions[i]);
            Finish();
        }
    }

    private void Finish()
    {
        foreach (var completion in _completions) completion.Complete();
        var sum = 0;
        foreach (var call in _calls) sum += call.Result;
        if (sum != _calls.Length) throw new InvalidOperationException();
    }
}
