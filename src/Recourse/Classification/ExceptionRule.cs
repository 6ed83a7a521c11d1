namespace Recourse;

/// <summary>One rule of the user about exceptions.</summary>
internal abstract class ExceptionRule
{
    /// <summary>The rule's verdict on one exception of a chain; null when it has none. What the rule throws comes through.</summary>
    internal abstract Verdict? Judge(Exception exception);
}

/// <summary>
/// A rule for one type: a function, or a condition with the verdict that follows from it.
/// </summary>
internal sealed class ExceptionRule<TException>(
    Func<TException, bool>? when, Verdict verdict, Func<TException, Verdict?>? judge) : ExceptionRule
    where TException : Exception
{
    internal override Verdict? Judge(Exception exception)
    {
        if (exception is not TException typed) return null;
        if (judge is not null) return judge(typed);
        return when is null || when(typed) ? verdict : null;
    }
}
