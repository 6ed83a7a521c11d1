using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse;

/// <summary>
/// Puts a pipeline together, outermost strategy first. Options are checked as they are added, the order when the pipeline is built. Not
/// safe for several threads; the pipeline that comes out is.
/// </summary>
public sealed class PipelineBuilder
{
    private readonly List<Strategy> _strategies = [];
    private bool _allowsHazards;
    private FaultClassifier? _classifier;
    private ILogger? _logger;

    /// <summary>Begins a pipeline.</summary>
    /// <param name="name">Shown in logs, metrics and descriptions. Default <c>pipeline</c>.</param>
    /// <param name="time">The clock of all strategies; null for the system's.</param>
    public PipelineBuilder(string name = "pipeline", TimeProvider? time = null)
    {
        Check.Named("PipelineBuilder.Name", name);
        Name = name;
        Time = time ?? TimeProvider.System;
    }

    /// <summary>The name of the pipeline.</summary>
    public string Name { get; }

    /// <summary>The clock of the pipeline, for strategies of your own.</summary>
    public TimeProvider Time { get; }

    /// <summary>Adds a strategy inside all those added before. Ours come in by this door too.</summary>
    /// <param name="strategy">The strategy; it may be shared with other pipelines.</param>
    public PipelineBuilder Add(Strategy strategy)
    {
        ArgumentNullException.ThrowIfNull(strategy);
        _strategies.Add(strategy);
        return this;
    }

    /// <summary>Who says what a failure is. Default: the built-in table.</summary>
    /// <param name="classifier">The classifier.</param>
    public PipelineBuilder Classify(FaultClassifier classifier)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        _classifier = classifier;
        return this;
    }

    /// <summary>Who says what a failure is: the built-in table and these rules.</summary>
    /// <param name="rules">Adds rules for exceptions, codes, texts and results.</param>
    public PipelineBuilder Classify(Action<FaultRules> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return Classify(new FaultClassifier(rules));
    }

    /// <summary>Where retries, timeouts and warnings are logged. Default: nowhere.</summary>
    /// <param name="logger">The logger.</param>
    public PipelineBuilder Log(ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(logger);
        _logger = logger;
        return this;
    }

    /// <summary>Makes an order that would be refused a warning instead, for those who know why they want it.</summary>
    public PipelineBuilder AllowHazards()
    {
        _allowsHazards = true;
        return this;
    }

    /// <summary>The pipeline.</summary>
    /// <exception cref="InvalidOptionsException">The strategies stand in an order that cannot work; the message says why and what to
    /// do.</exception>
    public Pipeline Build()
    {
        var plan = BuildPlan(null, out var warnings);
        return new Pipeline(plan, warnings);
    }

    internal Plan BuildPlan(PipelineCounters? counters, out IReadOnlyList<string> warnings)
    {
        warnings = Hazards.Find(_strategies, _allowsHazards);
        var logger = _logger ?? NullLogger.Instance;
        foreach (var warning in warnings) Recourse.Log.BuildWarning(logger, Name, warning);
        if (_logger is not null)
        {
            foreach (var circuit in _strategies.OfType<CircuitBreakerStrategy>()) circuit.Breaker.Logger ??= _logger;
        }

        return new Plan(Name, [.. _strategies], _classifier ?? FaultClassifier.Default, Time, logger, counters);
    }
}
