using System.Globalization;

namespace Recourse.Durable;

/// <summary>What an operator may ask of a job that was started.</summary>
public enum ReplayVerb
{
    /// <summary>Stop sending; nothing is lost.</summary>
    Pause,
    /// <summary>Go on.</summary>
    Resume,
    /// <summary>End it; what was sent back stays sent.</summary>
    Cancel,
}

/// <summary>The next thing to do for a job.</summary>
internal enum ReplayStep
{
    /// <summary>Nothing before something changes.</summary>
    Wait,
    /// <summary>Send the next letters back, at most so many.</summary>
    Send,
    /// <summary>Move to another state.</summary>
    Move,
}

/// <summary>A step with what it needs.</summary>
internal readonly record struct ReplayDecision(ReplayStep Step, int Letters, ReplayState To, string? Reason, bool CanaryJudged)
{
    public static ReplayDecision Wait => default;

    public static ReplayDecision Send(long letters) => new(ReplayStep.Send, (int)letters, default, null, false);

    public static ReplayDecision Move(ReplayState to, string? reason, bool canaryJudged = false) =>
        new(ReplayStep.Move, 0, to, reason, canaryJudged);
}

/// <summary>Decides what a replay job does next. Pure: the runner does it, the store compares and sets.</summary>
internal static class ReplayPlan
{
    /// <summary>The next step of a job.</summary>
    /// <param name="job">As it is now.</param>
    /// <param name="exhausted">No letter is left after the job's cursor.</param>
    public static ReplayDecision Next(ReplayJob job, bool exhausted) => job.State switch
    {
        ReplayState.Running => Running(job, exhausted),
        ReplayState.Canary => Canary(job),
        _ => ReplayDecision.Wait,
    };

    /// <summary>Where a verb leads from a state; null when the verb is not allowed there.</summary>
    public static ReplayState? After(ReplayState state, ReplayVerb verb) => (state, verb) switch
    {
        (ReplayState.Running or ReplayState.Canary, ReplayVerb.Pause) => ReplayState.Paused,
        (ReplayState.Paused, ReplayVerb.Resume) => ReplayState.Running,
        (ReplayState.Running or ReplayState.Canary or ReplayState.Paused, ReplayVerb.Cancel) => ReplayState.Cancelled,
        _ => null,
    };

    private static ReplayDecision Running(ReplayJob job, bool exhausted)
    {
        var request = job.Request;
        var left = request.Limit is { } limit ? limit - job.Replayed : long.MaxValue;
        if (exhausted || left <= 0)
            return ReplayDecision.Move(ReplayState.Completed, null);
        if (request.Canary == 0 || job.CanaryJudged)
            return ReplayDecision.Send(Math.Min(request.BatchSize, left));
        return job.Replayed < request.Canary
            ? ReplayDecision.Send(Math.Min(Math.Min(request.BatchSize, left), request.Canary - job.Replayed))
            : ReplayDecision.Move(ReplayState.Canary, $"waits for the outcome of the first {job.Replayed}");
    }

    private static ReplayDecision Canary(ReplayJob job)
    {
        // Not of what is delivered so far but of what still can be: a canary that can no longer pass ends the wait early.
        var needed = job.Request.CanaryShare * job.Replayed;
        if (job.Delivered + job.Pending < needed)
            return ReplayDecision.Move(ReplayState.Paused,
                string.Create(CultureInfo.InvariantCulture,
                    $"the canary failed: {job.DeadAgain} of the first {job.Replayed} died again, "
                    + $"and {job.Request.CanaryShare:P0} of them had to be delivered"),
                canaryJudged: true);
        return job.Pending == 0 ? ReplayDecision.Move(ReplayState.Running, null, canaryJudged: true) : ReplayDecision.Wait;
    }
}
