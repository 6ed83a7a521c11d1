namespace Recourse;

/// <summary>
/// What all retries of one call may still use, through all layers and all pipelines inside. Safe from any thread: inner calls may run
/// side by side.
/// </summary>
internal sealed class AttemptAllowance(int retries, AttemptAllowance? outer)
{
    private static readonly AsyncLocal<AttemptAllowance?> Ambient = new();
    private static volatile bool isUsed;

    private int _left = retries;

    /// <summary>Whether any call may carry an allowance; until then nobody pays for looking.</summary>
    internal static bool IsUsed
    {
        get => isUsed;
        set => isUsed = value;
    }

    /// <summary>The allowance of the call around this one.</summary>
    internal static AttemptAllowance? Current => Ambient.Value;

    internal AttemptAllowance? Outer => outer;

    internal void Flow() => Ambient.Value = this;

    /// <summary>One retry; false when there is none left here or further out.</summary>
    internal bool TryTake()
    {
        while (true)
        {
            var left = Volatile.Read(ref _left);
            if (left == 0) return false;
            if (Interlocked.CompareExchange(ref _left, left - 1, left) == left) break;
        }

        if (outer is null || outer.TryTake()) return true;
        Interlocked.Increment(ref _left);
        return false;
    }

    /// <summary>A retry that was taken and is not made.</summary>
    internal void GiveBack()
    {
        Interlocked.Increment(ref _left);
        outer?.GiveBack();
    }
}

/// <summary>
/// One bound for all attempts of a call, whatever layers of retries it passes; it travels to inner calls in the execution context. An inner
/// bound can only be tighter.
/// </summary>
internal sealed class TotalAttemptsStrategy : Strategy
{
    /// <summary>The bound that comes with the call.</summary>
    internal static readonly TotalAttemptsStrategy OfContext = new(null);

    private readonly int? _most;

    internal TotalAttemptsStrategy(int? most)
        : base("total attempts")
    {
        _most = most;
        AttemptAllowance.IsUsed = true;
    }

    public override string Describe() => $"total attempts: {(_most is { } most ? $"at most {most} in all layers" : "of the call")}";

    public override Step Enter(Call call, ref Frame frame)
    {
        call.Allowance = new AttemptAllowance((_most ?? call.Context.MaxTotalAttempts ?? int.MaxValue) - 1, call.Allowance);
        call.Allowance.Flow();
        return Step.Next;
    }

    public override Step Exit(Call call, ref Frame frame)
    {
        call.Allowance = call.Allowance?.Outer;
        return Step.Next;
    }
}
