namespace Recourse;

/// <summary>A time limit or a deadline of a pipeline passed. The inner exception is what went wrong before, where something did.</summary>
public sealed class TimeoutExceededException : TimeoutException
{
    private static readonly Classification Late = FaultClassifier.Default.ForKind(FaultKind.Timeout, "a timeout of the pipeline");
    private static readonly Classification PastDeadline = FaultClassifier.Default.ForKind(FaultKind.DeadlineExceeded,
        "the deadline of the call");

    internal TimeoutExceededException(TimeSpan limit, bool deadline, bool abandoned, Exception? inner)
        : base(Text(limit, deadline, abandoned), inner)
    {
        Limit = limit;
        Abandoned = abandoned;
        Classification = deadline ? PastDeadline : Late;
    }

    /// <summary>The time that the call had.</summary>
    public TimeSpan Limit { get; }

    /// <summary>Whether the operation did not stop, and still runs.</summary>
    public bool Abandoned { get; }

    /// <summary>What it counts as: a timeout, or a deadline that was exceeded.</summary>
    public Classification Classification { get; }

    internal static Verdict Verdict => Recourse.Verdict.Failure(Late);

    private static string Text(TimeSpan limit, bool deadline, bool abandoned) =>
        $"{(deadline ? "The deadline passed: the call" : "The call")} took longer than {Durations.Text(limit)}"
        + $"{(abandoned ? " and still runs" : "")}.";
}
