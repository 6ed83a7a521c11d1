using Polly;

namespace Recourse.Benchmarks;

/// <summary>Calls that end at once, one after another.</summary>
internal static class Loops
{
    // A reference: an untyped pipeline of Polly boxes values, which would be no comparison.
    private const string Text = "result";

    internal static void Ours(Pipeline pipeline, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            if (pipeline.ExecuteAsync(static (state, _) =>
                new ValueTask<string>(state), Text).Result is null) throw new InvalidOperationException();
        }
    }

    internal static void Theirs(ResiliencePipeline pipeline, int calls)
    {
        for (var i = 0; i < calls; i++)
        {
            if (pipeline.ExecuteAsync(static (state, _) =>
                new ValueTask<string>(state), Text).Result is null) throw new InvalidOperationException();
        }
    }
}

/// <summary>Calls that suspend: so many are begun, then all are completed, then all results are read.</summary>
internal sealed class SuspendedLoops
{
    private readonly Completion[] _completions;
    private readonly ValueTask<string>[] _calls;

    internal SuspendedLoops(int inFlight)
    {
        _completions = [.. Enumerable.Range(0, inFlight).Select(_ => new Completion())];
        _calls = new ValueTask<string>[inFlight];
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
        foreach (var call in _calls)
        {
            if (call.Result is null) throw new InvalidOperationException();
        }
    }
}
