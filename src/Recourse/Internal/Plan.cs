using Microsoft.Extensions.Logging;

namespace Recourse;

/// <summary>What a pipeline is made of at one moment. Immutable: a reload swaps the whole plan, and calls in flight keep theirs.</summary>
internal sealed class Plan(
    string name, Strategy[] strategies, FaultClassifier classifier, TimeProvider time, ILogger logger, PipelineCounters? counters)
{
    internal readonly Strategy[] Strategies = strategies;
    internal readonly FaultClassifier Classifier = classifier;
    internal readonly TimeProvider Time = time;
    internal readonly ILogger Logger = logger;
    internal readonly string Name = name;
    private PipelineCounters? _counters = counters;

    // Made when there is something to count: most pipelines of a registry never fail.
    internal PipelineCounters Counters => Volatile.Read(ref _counters) ?? Interlocked.CompareExchange(ref _counters, new PipelineCounters(), null) ?? _counters;

    // The built-in classifier has no rule for any result, so most pipelines never look at one.
    internal readonly bool JudgesResults = !ReferenceEquals(classifier, FaultClassifier.Default);

    internal readonly bool FlowsDeadline = Array.Exists(strategies, static strategy => strategy is DeadlineStrategy);

    private Plan? _withDeadline;

    /// <summary>The same plan inside the deadline of the call's own context; made when it is first needed.</summary>
    internal Plan WithDeadline() => _withDeadline ??=
        new Plan(Name, [DeadlineStrategy.OfContext, .. Strategies], Classifier, Time, Logger, Counters);
}
