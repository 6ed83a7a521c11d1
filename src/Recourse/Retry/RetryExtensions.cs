namespace Recourse;

/// <summary>Adds retrying to a pipeline.</summary>
public static class RetryExtensions
{
    /// <summary>Runs everything added after this again when it fails in a way that may pass.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="options">How often, how patiently, after what; null for the defaults.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public static PipelineBuilder Retry(this PipelineBuilder pipeline, RetryOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return pipeline.Add(new RetryStrategy((options ?? RetryOptions.Default).Checked(), pipeline.Time));
    }

    /// <summary>Runs everything added after this again, up to a number of attempts, the first included.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="maxAttempts">From 1.</param>
    /// <param name="backoff">The waits between them; null for waits by the fault.</param>
    public static PipelineBuilder Retry(this PipelineBuilder pipeline, int maxAttempts, Backoff? backoff = null) =>
        pipeline.Retry(new RetryOptions { MaxAttempts = maxAttempts, Backoff = backoff });

    /// <summary>
    /// One bound for all attempts of everything added after this, through all layers of retries, those of pipelines that the operation
    /// calls included. <see cref="RecoveryContext.MaxTotalAttempts"/> sets it for one call.
    /// </summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="most">The first attempt included; from 1 (nothing is retried) to int.MaxValue.</param>
    public static PipelineBuilder TotalAttempts(this PipelineBuilder pipeline, int most)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        Check.Range("TotalAttempts", most, 1, int.MaxValue);
        return pipeline.Add(new TotalAttemptsStrategy(most));
    }
}
