namespace Recourse;

// Results: a rule per result type, found without a dictionary and called without boxing.
public sealed partial class FaultClassifier
{
    /// <summary>
    /// What a returned value counts as: the answer of the first rule for exactly <typeparamref name="T"/> that has one, else success.
    /// </summary>
    /// <typeparam name="T">The type that the call returns, as declared.</typeparam>
    /// <param name="result">The value.</param>
    public Verdict JudgeResult<T>(T result)
    {
        try
        {
            return JudgeResultOrThrow(result);
        }
        catch (Exception e)
        {
            // A rule that fails has no opinion, and the call has worked as far as anybody knows.
            ObserverErrors.Report(e);
            return Verdict.Neutral;
        }
    }

    internal Verdict JudgeResultOrThrow<T>(T result)
    {
        var slot = ResultSlot<T>.Index;
        var rules = _resultRules;
        if ((uint)slot >= (uint)rules.Length || rules[slot] is not Func<T, Verdict?>[] own) return Verdict.Success;
        foreach (var rule in own)
        {
            if (rule(result) is { } verdict) return verdict;
        }

        return Verdict.Success;
    }

    /// <summary>Whether any rule looks at results of this type; false lets a strategy skip judging altogether.</summary>
    public bool HasResultRule<T>()
    {
        var slot = ResultSlot<T>.Index;
        return (uint)slot < (uint)_resultRules.Length && _resultRules[slot] is not null;
    }
}

/// <summary>Gives each result type a small number, so that a classifier keeps its rules in an array.</summary>
internal static class ResultSlots
{
    private static int next = -1;

    internal static int Take() => Interlocked.Increment(ref next);
}

/// <summary>The number of one result type.</summary>
internal static class ResultSlot<T>
{
    internal static readonly int Index = ResultSlots.Take();
}
