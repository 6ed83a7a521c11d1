using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Recourse;

/// <summary>
/// A health check over the pipelines of a registry: degraded while one of them is (see <see cref="Pipeline.Health"/>), never unhealthy,
/// since the program itself works. <c>services.AddHealthChecks().AddCheck&lt;PipelineHealthCheck&gt;("recourse")</c>.
/// </summary>
/// <param name="registry">The pipelines.</param>
public sealed class PipelineHealthCheck(PipelineRegistry registry) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var found = new Dictionary<string, object>();
        var degraded = 0;
        foreach (var (key, pipeline) in registry.Pipelines)
        {
            foreach (var finding in pipeline.Health.Findings)
            {
                found[$"{key}/{finding.Part}"] = finding.Says;
                if (finding.Degrades) degraded++;
            }
        }

        return Task.FromResult(degraded == 0
            ? HealthCheckResult.Healthy("All pipelines take calls.", found)
            : new HealthCheckResult(HealthStatus.Degraded, $"{degraded} parts of pipelines are not well.", data: found));
    }
}
