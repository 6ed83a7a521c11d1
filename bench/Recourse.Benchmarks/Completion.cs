using System.Threading.Tasks.Sources;

namespace Recourse.Benchmarks;

/// <summary>An operation that suspends until it is told to complete, and that allocates nothing when it is used again.</summary>
internal sealed class Completion : IValueTaskSource<string>
{
    private ManualResetValueTaskSourceCore<string> _core;

    internal ValueTask<string> Begin()
    {
        _core.Reset();
        return new ValueTask<string>(this, _core.Version);
    }

    internal void Complete() => _core.SetResult("result");

    public string GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
