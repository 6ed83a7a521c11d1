namespace Recourse;

/// <summary>Adds a bulkhead to a pipeline.</summary>
public static class BulkheadExtensions
{
    /// <summary>Puts a bulkhead of its own around everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="options">How many calls may run and wait; null for 10 and none.</param>
    /// <exception cref="InvalidOptionsException">An option is out of range; the message names it.</exception>
    public static PipelineBuilder Bulkhead(this PipelineBuilder pipeline, BulkheadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return pipeline.Bulkhead(new Bulkhead(options, pipeline.Time));
    }

    /// <summary>Puts a bulkhead that others share around everything added after this.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="bulkhead">The bulkhead; calls through any pipeline that has it count together.</param>
    public static PipelineBuilder Bulkhead(this PipelineBuilder pipeline, Bulkhead bulkhead)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(bulkhead);
        return pipeline.Add(new BulkheadStrategy(bulkhead));
    }
}
