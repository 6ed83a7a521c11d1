namespace Recourse;

/// <summary>Adds a circuit breaker to a pipeline.</summary>
public static class CircuitBreakerExtensions
{
    private static readonly CircuitBreakerOptions Default = new();

    /// <summary>Puts a breaker of its own around everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="options">When it opens and closes; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public static PipelineBuilder CircuitBreaker(this PipelineBuilder pipeline, CircuitBreakerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return pipeline.CircuitBreaker(new CircuitBreaker(options ?? Default, pipeline.Time));
    }

    /// <summary>Puts a breaker that others share, or that you order about, around everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="breaker">The breaker; calls through any pipeline that has it count together.</param>
    public static PipelineBuilder CircuitBreaker(this PipelineBuilder pipeline, CircuitBreaker breaker)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(breaker);
        return pipeline.Add(new CircuitBreakerStrategy(breaker));
    }
}
