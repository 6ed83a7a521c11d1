namespace Recourse;

/// <summary>Adds answers for failed calls to a pipeline.</summary>
public static class FallbackExtensions
{
    /// <summary>Answers for everything added after this when it fails; only for calls that return <typeparamref name="T"/>.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="options">What answers, and after which faults.</param>
    /// <exception cref="InvalidOptionsException">There is no answer.</exception>
    public static PipelineBuilder Fallback<T>(this PipelineBuilder pipeline, FallbackOptions<T> options)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(options);
        return pipeline.Add(new FallbackStrategy<T>(options.Checked()));
    }

    /// <summary>Answers with a value.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="value">The answer to every failed call that returns <typeparamref name="T"/>.</param>
    public static PipelineBuilder Fallback<T>(this PipelineBuilder pipeline, T value) =>
        pipeline.Fallback(new FallbackOptions<T> { Value = value });

    /// <summary>Answers with a function, for example one that calls another service.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="function">Gets the fault. In a synchronous call it has to answer at once.</param>
    public static PipelineBuilder Fallback<T>(this PipelineBuilder pipeline, Func<FallbackQuestion, CancellationToken,
        ValueTask<T>> function) =>
        pipeline.Fallback(new FallbackOptions<T> { Function = function });

    /// <summary>Answers with another pipeline around another service; it has its own breaker, bulkhead and retries.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="other">The pipeline of the other service.</param>
    /// <param name="call">The call to it.</param>
    public static PipelineBuilder Fallback<T>(this PipelineBuilder pipeline, Pipeline other, Func<CancellationToken, ValueTask<T>> call)
    {
        ArgumentNullException.ThrowIfNull(other);
        ArgumentNullException.ThrowIfNull(call);
        return pipeline.Fallback<T>((_, token) => other.ExecuteAsync(call, token));
    }
}
