using Microsoft.Extensions.Configuration;

namespace Recourse;

/// <summary>
/// Adds the strategies that a section of the configuration names, from outside to inside: Fallback, RateLimit, Bulkhead, TotalAttempts,
/// Deadline, Timeout, Retry, CircuitBreaker, AttemptTimeout. A section that is missing, or <c>false</c>, adds nothing; <c>true</c> adds the
/// defaults. The keys are those of the options; docs/reference/pipeline-settings.md lists them.
/// </summary>
public static class PipelineConfiguration
{
    /// <summary>Adds what the section names.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="section">Durations are written <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c> or <c>00:00:30</c>.</param>
    /// <exception cref="InvalidOptionsException">The section is empty, a key is unknown, or a value is not what it must be; the message
    /// says which and what is allowed.</exception>
    public static PipelineBuilder Configure(this PipelineBuilder pipeline, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(section);
        // Most likely a name that was mistyped, or a file that is just being written: calls without protection would go unnoticed.
        if (!section.GetChildren().Any(child => child.Exists()))
        {
            throw new InvalidOptionsException(
                $"'{section.Path}' is missing or has no settings, so pipeline '{pipeline.Name}' would protect nothing; "
                + "it must name at least one strategy, if only as 'Retry: false'.");
        }

        var settings = new Settings(section);
        var name = pipeline.Name;
        settings.Part("Fallback", part => FallbackSettings.Add(pipeline, part));
        settings.Part("RateLimit", part => pipeline.RateLimit(RateLimitOf(part, name)));
        settings.Part("Bulkhead", part => pipeline.Bulkhead(BulkheadOf(part, name)));
        if (settings.MaybeInt("TotalAttempts") is { } most) settings.Check("TotalAttempts", () => pipeline.TotalAttempts(most));
        if (settings.MaybeTime("Deadline") is { } deadline) settings.Check("Deadline", () => pipeline.Deadline(deadline));
        AddTimeout(pipeline, settings, "Timeout");
        settings.Part("Retry", part => pipeline.Retry(RetrySettings.Read(part)));
        settings.Part("CircuitBreaker", part => pipeline.CircuitBreaker(BreakerOf(part, name)));
        AddTimeout(pipeline, settings, "AttemptTimeout");
        settings.Done();
        return pipeline;
    }

    // A duration alone, or a section with more than that.
    private static void AddTimeout(PipelineBuilder pipeline, Settings settings, string key)
    {
        if (!settings.HasKeys(key))
        {
            if (settings.MaybeTime(key) is { } limit) settings.Check(key, () => pipeline.Timeout(limit));
            return;
        }

        settings.Part(key, part =>
        {
            var defaults = new TimeoutOptions();
            var options = new TimeoutOptions
            {
                Limit = part.Time("Limit", defaults.Limit),
                Precise = part.Bool("Precise", defaults.Precise),
                AbandonAfter = part.MaybeTime("AbandonAfter"),
            };
            part.Done();
            pipeline.Timeout(options);
        });
    }

    private static CircuitBreakerOptions BreakerOf(Settings settings, string name)
    {
        var defaults = new CircuitBreakerOptions();
        var options = new CircuitBreakerOptions
        {
            Name = settings.Text("Name", name),
            Mode = settings.Enum("Mode", defaults.Mode),
            FailureThreshold = settings.Int("FailureThreshold", defaults.FailureThreshold),
            WindowSize = settings.Int("WindowSize", defaults.WindowSize),
            WindowDuration = settings.Time("WindowDuration", defaults.WindowDuration),
            FailureRate = settings.Double("FailureRate", defaults.FailureRate),
            MinimumThroughput = settings.Int("MinimumThroughput", defaults.MinimumThroughput),
            FailuresInWindow = settings.MaybeInt("FailuresInWindow"),
            SlowCallDuration = settings.MaybeTime("SlowCallDuration"),
            SlowCallRate = settings.Double("SlowCallRate", defaults.SlowCallRate),
            PermittedProbes = settings.Int("PermittedProbes", defaults.PermittedProbes),
            SuccessThreshold = settings.Int("SuccessThreshold", defaults.SuccessThreshold),
            ProbeFailureThreshold = settings.Int("ProbeFailureThreshold", defaults.ProbeFailureThreshold),
            ProbeLease = settings.Time("ProbeLease", defaults.ProbeLease),
            OpenTime = settings.Time("OpenTime", defaults.OpenTime),
            OpenTimeGrowth = settings.Double("OpenTimeGrowth", defaults.OpenTimeGrowth),
            OpenTimeMax = settings.Time("OpenTimeMax", defaults.OpenTimeMax),
            OpenTimeJitter = settings.Double("OpenTimeJitter", defaults.OpenTimeJitter),
            ShadowMode = settings.Bool("ShadowMode", defaults.ShadowMode),
        };
        settings.Done();
        return options;
    }

    private static BulkheadOptions BulkheadOf(Settings settings, string name)
    {
        var defaults = new BulkheadOptions();
        var options = new BulkheadOptions
        {
            Name = settings.Text("Name", name),
            MaxConcurrent = settings.Int("MaxConcurrent", defaults.MaxConcurrent),
            MaxQueue = settings.Int("MaxQueue", defaults.MaxQueue),
            QueueTimeout = settings.IsWord("QueueTimeout", "infinite")
                ? Timeout.InfiniteTimeSpan : settings.Time("QueueTimeout", defaults.QueueTimeout),
            DedicatedThreads = settings.MaybeInt("DedicatedThreads"),
        };
        settings.Done();
        return options;
    }

    private static RateLimitOptions RateLimitOf(Settings settings, string name)
    {
        var defaults = new RateLimitOptions();
        var options = new RateLimitOptions
        {
            Name = settings.Text("Name", name),
            Kind = settings.Enum("Kind", defaults.Kind),
            Permits = settings.Int("Permits", defaults.Permits),
            Period = settings.Time("Period", defaults.Period),
            Burst = settings.MaybeInt("Burst"),
            Segments = settings.Int("Segments", defaults.Segments),
            QueueLimit = settings.Int("QueueLimit", defaults.QueueLimit),
        };
        settings.Done();
        return options;
    }
}
