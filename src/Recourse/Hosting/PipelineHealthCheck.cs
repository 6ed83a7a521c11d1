using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Recourse;

/// <summary>
/// A health check over the pipelines of a registry: degraded while a circuit is open or isolated, never unhealthy, since the program itself
/// works. <c>services.AddHealthChecks().AddCheck&lt;PipelineHealthCheck&gt;("recourse")</c>.
/// </summary>
/// <param name="registry">The pipelines.</param>
public sealed class PipelineHealthCheck(PipelineRegistry registry) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var open = new Dictionary<string, object>();
        foreach (var (key, pipeline) in registry.Pipelines)
        {
            foreach (var breaker in pipeline.CircuitBreakers)
            {
                if (breaker.State is CircuitState.Open or CircuitState.Isolated) open[$"{key}/{breaker.Name}"] = breaker.State.ToString();
            }
        }

        return Task.FromResult(open.Count == 0
            ? HealthCheckResult.Healthy("All circuits take calls.")
            : new HealthCheckResult(HealthStatus.Degraded, $"{open.Count} circuits take no calls.", data: open));
    }
}
