using Microsoft.Extensions.Configuration;

namespace Recourse;

/// <summary>
/// Adds the strategies that a section of the configuration names, from outside to inside: RateLimit, Bulkhead, Deadline, Timeout, Retry,
/// CircuitBreaker, AttemptTimeout. A section that is missing adds nothing; an empty value (<c>"Retry": true</c>) adds the defaults.
/// </summary>
public static class PipelineConfiguration
{
    /// <summary>Adds what the section names.</summary>
    /// <param name="pipeline">The pipeline that is being built.</param>
    /// <param name="section">Durations are written <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>1h</c> or <c>00:00:30</c>.</param>
    /// <exception cref="InvalidOptionsException">A key is unknown, or a value is not what it must be; the message says which and what is
    /// allowed.</exception>
    public static PipelineBuilder Configure(this PipelineBuilder pipeline, IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(section);
        var settings = new Settings(section);
        if (settings.Section("RateLimit") is { } rate) pipeline.RateLimit(RateLimitOf(rate, pipeline.Name));
        if (settings.Section("Bulkhead") is { } bulkhead) pipeline.Bulkhead(BulkheadOf(bulkhead, pipeline.Name));
        if (settings.MaybeTime("Deadline") is { } deadline) pipeline.Deadline(deadline);
        if (settings.MaybeTime("Timeout") is { } timeout) pipeline.Timeout(timeout);
        if (settings.Section("Retry") is { } retry) pipeline.Retry(RetryOf(retry));
        if (settings.Section("CircuitBreaker") is { } breaker) pipeline.CircuitBreaker(BreakerOf(breaker, pipeline.Name));
        if (settings.MaybeTime("AttemptTimeout") is { } attempt) pipeline.Timeout(attempt);
        settings.Done();
        return pipeline;
    }

    private static RetryOptions RetryOf(Settings settings)
    {
        var defaults = RetryOptions.Default;
        var options = new RetryOptions
        {
            MaxAttempts = settings.MaybeInt("MaxAttempts"),
            Backoff = settings.Section("Backoff") is { } backoff ? BackoffOf(backoff) : null,
            RetryOn = settings.Kinds("RetryOn"),
            Repeatable = settings.Bool("Repeatable", defaults.Repeatable),
            Scope = settings.Enum("Scope", defaults.Scope),
            MaxTotalTime = settings.MaybeTime("MaxTotalTime"),
            AttemptTime = settings.Time("AttemptTime", defaults.AttemptTime),
            MaxRetryAfter = settings.Time("MaxRetryAfter", defaults.MaxRetryAfter),
            MaxDelay = settings.Time("MaxDelay", defaults.MaxDelay),
            UnlimitedBudget = settings.Bool("UnlimitedBudget", defaults.UnlimitedBudget),
        };
        settings.Done();
        return options;
    }

    private static Backoff BackoffOf(Settings settings)
    {
        var defaults = Backoff.Default;
        var backoff = new Backoff
        {
            Kind = settings.Enum("Kind", defaults.Kind),
            Initial = settings.Time("Initial", defaults.Initial),
            Max = settings.Time("Max", defaults.Max),
            Multiplier = settings.Double("Multiplier", defaults.Multiplier),
            Step = settings.MaybeTime("Step"),
            Jitter = settings.Enum("Jitter", defaults.Jitter),
            JitterRange = settings.Double("JitterRange", defaults.JitterRange),
        };
        settings.Done();
        return backoff;
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
            QueueTimeout = settings.Time("QueueTimeout", defaults.QueueTimeout),
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
