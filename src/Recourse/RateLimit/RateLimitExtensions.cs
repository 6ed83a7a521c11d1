namespace Recourse;

/// <summary>Adds a rate limit to a pipeline.</summary>
public static class RateLimitExtensions
{
    /// <summary>Puts a rate limit of its own around everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="options">How many calls in which time; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public static PipelineBuilder RateLimit(this PipelineBuilder pipeline, RateLimitOptions? options = null) =>
        pipeline.RateLimit(new RateLimit(options));

    /// <summary>Puts a rate limit that others share around everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="limit">The limit; calls through any pipeline that has it count together.</param>
    public static PipelineBuilder RateLimit(this PipelineBuilder pipeline, RateLimit limit)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(limit);
        return pipeline.Add(new RateLimitStrategy(limit));
    }
}
