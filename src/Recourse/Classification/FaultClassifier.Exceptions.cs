using System.Runtime.CompilerServices;

namespace Recourse;

// Exceptions: the caller's own cancellation, rules of the user, codes along the chain, types along the chain, texts along the chain.
public sealed partial class FaultClassifier
{
    // Chains and aggregates are made by programs and can be made endless; what lies deeper is not looked at.
    private const int MaxDepth = 16;
    private const int MaxInner = 32;

    /// <summary>What an exception means.</summary>
    /// <param name="exception">The failure; its inner exceptions are read to a depth of 16.</param>
    public Classification Classify(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        try
        {
            return JudgeOrThrow(exception, CancellationToken.None).Classification ?? _cancelled;
        }
        catch (Exception e)
        {
            // Whoever asks what it is wants to know it without the rule that failed.
            ObserverErrors.Report(e);
            return ByEvidence(exception, 0);
        }
    }

    /// <summary>What an exception counts as, when there is no caller who could have cancelled.</summary>
    public Verdict Judge(Exception exception) => Judge(exception, CancellationToken.None);

    /// <summary>
    /// What an exception counts as. A cancellation that the caller asked for is neutral; any other cancellation is a failure, and a timeout
    /// where a <see cref="TimeoutException"/> caused it. Neutral as well when a rule of the user throws.
    /// </summary>
    /// <param name="exception">The failure.</param>
    /// <param name="callerToken">The token that the caller of the pipeline passed in.</param>
    public Verdict Judge(Exception exception, CancellationToken callerToken)
    {
        ArgumentNullException.ThrowIfNull(exception);
        try
        {
            return JudgeOrThrow(exception, callerToken);
        }
        catch (Exception e)
        {
            ObserverErrors.Report(e);
            return Verdict.Neutral;
        }
    }

    // For those who can say in whose call a rule of the user threw.
    internal Verdict JudgeOrThrow(Exception exception, CancellationToken callerToken)
    {
        if (callerToken.IsCancellationRequested && exception is OperationCanceledException) return Verdict.Neutral;
        if (_exceptionRules.Length > 0 && ByRule(exception, 0) is { } verdict) return verdict;
        return Verdict.Failure(ByEvidence(exception, 0));
    }

    private Classification ByEvidence(Exception exception, int depth)
    {
        var type = TypeOf(exception);
        if (type.IsAggregate && exception is AggregateException { InnerExceptions.Count: > 0 } aggregate) return Worst(aggregate, depth);
        return ByFact(exception, type, depth)
            ?? (type.IsCancellation ? ByCancellation(exception) : ByType(exception, type, depth) ?? ByText(exception))
            ?? Classification.Unknown;
    }

    private Verdict? ByRule(Exception exception, int depth)
    {
        for (var current = exception; current is not null && depth < MaxDepth; current = current.InnerException, depth++)
        {
            foreach (var rule in _exceptionRules)
            {
                if (rule.Judge(current) is { } verdict) return verdict;
            }

            if (current is not AggregateException aggregate) continue;
            for (var i = 1; i < aggregate.InnerExceptions.Count && i < MaxInner; i++)
            {
                if (ByRule(aggregate.InnerExceptions[i], depth + 1) is { } verdict) return verdict;
            }
        }

        return null;
    }

    // One that stays outweighs one that passes: trying again would meet it again. A cancellation only echoes the failure beside it.
    private Classification Worst(AggregateException aggregate, int depth)
    {
        if (depth >= MaxDepth) return Classification.Unknown;
        Classification? worst = null;
        for (var i = 0; i < aggregate.InnerExceptions.Count && i < MaxInner; i++)
        {
            var next = ByEvidence(aggregate.InnerExceptions[i], depth + 1);
            if (worst is null || Weight(next) > Weight(worst)) worst = next;
        }

        return worst ?? Classification.Unknown;
    }

    private static int Weight(Classification classification) =>
        classification.Kind == FaultKind.Cancelled ? 0
        : classification.Persistence switch { Persistence.Permanent => 3, Persistence.Unknown => 1, _ => 2 };

    private Classification? ByFact(Exception exception, TypeFact type, int depth)
    {
        for (var current = exception; ; type = TypeOf(current))
        {
            if (_readers.Length > 0 && ByReader(current) is { } read) return read;
            if (type.Place != CodePlace.Nowhere && DriverFacts.Read(current, type.Place, _codes) is { } fact)
                return AmbiguousCodes.Contains(fact) ? AmbiguousCodes.Resolve(fact, current.Message, _text.Value) : fact;
            if (type.IsAggregate && depth > 0 && current is AggregateException { InnerExceptions.Count: > 0 } aggregate)
                return Worst(aggregate, depth);
            current = current.InnerException;
            if (current is null || ++depth >= MaxDepth) return null;
        }
    }

    private Classification? ByReader(Exception exception)
    {
        foreach (var reader in _readers)
        {
            try
            {
                if (reader(exception) is { Family: { } family, Code: { } code }
                    && Classify(family, code, exception.Message) is { } found) return found;
            }
            catch (Exception e)
            {
                // A reader that fails has read nothing; the failure under judgement must not be replaced by it.
                ObserverErrors.Report(e);
            }
        }

        return null;
    }

    private Classification ByCancellation(Exception exception)
    {
        var depth = 0;
        for (var inner = exception.InnerException; inner is not null && depth < MaxDepth; inner = inner.InnerException, depth++)
        {
            if (inner is TimeoutException) return _timeout;
        }

        return _cancelled;
    }

    private Classification? ByType(Exception exception, TypeFact type, int depth)
    {
        Classification? weak = null;
        for (var current = exception; ; type = TypeOf(current))
        {
            if (type.ByMember(current, _codes, _driverTransient) is { } member) return member;
            if (type.Classification is { } found)
            {
                // The wrapper says less than what it wraps: an HttpRequestException around a timeout is a timeout.
                if (!type.IsWrapper) return found;
                weak ??= found;
            }

            current = current.InnerException;
            if (current is null || ++depth >= MaxDepth) return weak;
        }
    }

    // A small table in front of the weak one: it holds on to at most as many types as it has places.
    private TypeFact TypeOf(Exception exception)
    {
        var type = exception.GetType();
        ref var place = ref _recentTypes[RuntimeHelpers.GetHashCode(type) & (_recentTypes.Length - 1)];
        var recent = Volatile.Read(ref place);
        if (recent is not null && recent.Type == type) return recent;
        // Two types of one chain may share a place and push each other out; the function of GetValue would then be garbage each time.
        if (!_types.TryGetValue(type, out var fact)) fact = Meet(type);
        Volatile.Write(ref place, fact);
        return fact;
    }

    private TypeFact Meet(Type type) => _types.GetValue(type, key => TypeFact.Of(key, _codes));

    private Classification? ByText(Exception exception)
    {
        var depth = 0;
        for (var current = exception; current is not null && depth < MaxDepth; current = current.InnerException, depth++)
        {
            if (_text.Value.Find(current.Message) is { } found) return found;
        }

        return null;
    }
}
