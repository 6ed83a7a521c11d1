using Microsoft.Extensions.Logging;

namespace Recourse;

/// <summary>What a pipeline is made of at one moment. Immutable: a reload swaps the whole plan, and calls in flight keep theirs.</summary>
internal sealed class Plan(string name, Strategy[] strategies, FaultClassifier classifier, TimeProvider time, ILogger logger)
{
    internal readonly Strategy[] Strategies = strategies;
    internal readonly FaultClassifier Classifier = classifier;
    internal readonly TimeProvider Time = time;
    internal readonly ILogger Logger = logger;
    internal readonly string Name = name;

    // The built-in classifier has no rule for any result, so most pipelines never look at one.
    internal readonly bool JudgesResults = !ReferenceEquals(classifier, FaultClassifier.Default);
}
