namespace Recourse;

/// <summary>Adds time limits to a pipeline.</summary>
public static class TimeoutExtensions
{
    /// <summary>Limits the time of everything added after this: around a retry for all attempts, inside it for each.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="options">The limit and what happens at it; null for 30 s.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public static PipelineBuilder Timeout(this PipelineBuilder pipeline, TimeoutOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        var chosen = (options ?? new TimeoutOptions()).Checked();
        return pipeline.Add(chosen.AbandonAfter is null ? new TimeoutStrategy(chosen) : new AbandoningTimeoutStrategy(chosen));
    }

    /// <summary>Limits the time of everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="limit">From 1 ms to 24 days.</param>
    public static PipelineBuilder Timeout(this PipelineBuilder pipeline, TimeSpan limit) =>
        pipeline.Timeout(new TimeoutOptions { Limit = limit });

    /// <summary>
    /// One time for the whole call and for every call of a pipeline inside it. Retries know it: none is begun that could not finish.
    /// </summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="limit">From 1 ms to 24 days.</param>
    public static PipelineBuilder Deadline(this PipelineBuilder pipeline, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        Check.Range("Deadline", limit, TimeSpan.FromMilliseconds(1), TimeoutScope.LimitMax);
        return pipeline.Add(new DeadlineStrategy(limit));
    }
}
