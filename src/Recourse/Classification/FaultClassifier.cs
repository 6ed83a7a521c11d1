using System.Globalization;
using System.Runtime.CompilerServices;
using Recourse.Tables;
using Recourse.Phrases;

namespace Recourse;

/// <summary>
/// Turns a failure into a <see cref="Classification"/>. Evidence in order: explicit rules of the user, typed facts, exception types through
/// the inner chain, text rules, unknown. Immutable and safe from any thread. What a rule of the user throws never reaches the caller.
/// </summary>
public sealed partial class FaultClassifier
{
    private readonly KindTable _kinds;
    private readonly CodeTable _codes;
    private readonly ExceptionRule[] _exceptionRules;
    private readonly FactReader[] _readers;
    private readonly object?[] _resultRules;
    private readonly Lazy<TextRules> _text;
    private readonly Classification _cancelled;
    private readonly Classification _timeout;
    private readonly Classification _driverTransient;
    private readonly ConditionalWeakTable<Type, TypeFact> _types = [];
    private readonly TypeFact?[] _recentTypes = new TypeFact?[32];

    /// <summary>A classifier with the built-in table and the rules that <paramref name="configure"/> adds.</summary>
    /// <param name="configure">Adds rules; null adds none.</param>
    public FaultClassifier(Action<FaultRules>? configure = null)
    {
        var rules = new FaultRules();
        configure?.Invoke(rules);
        _kinds = rules.Kinds;
        _codes = rules.IsTableUntouched ? CodeTable.BuiltIn : new CodeTable(_kinds, rules.Codes);
        _exceptionRules = rules.ExceptionRules();
        _readers = [.. rules.Readers];
        _resultRules = rules.ResultRules();
        var phrases = rules.Phrases.ToArray();
        _text = new Lazy<TextRules>(() => new TextRules(_kinds, _codes, phrases));
        _cancelled = _kinds.Classify(FaultKind.Cancelled, null, "cancelled, and not by the caller");
        _timeout = _kinds.Classify(FaultKind.Timeout, null, "cancelled by a timeout");
        _driverTransient = _kinds.Classify(FaultKind.TemporaryFailure, null, "the driver says that it is transient");
    }

    /// <summary>The classifier with the built-in table and no rule of the user.</summary>
    public static FaultClassifier Default { get; } = new();

    /// <summary>
    /// What a code means: the row of the table, or what the family says about codes without a row. Null when neither says anything.
    /// </summary>
    /// <param name="family">postgres, http, kafka … in any case.</param>
    /// <param name="code">The code as its family writes it, in any case.</param>
    /// <param name="message">The text that came with it: a few codes (Redis ERR) mean what their text says. May be null.</param>
    public Classification? Classify(string family, string code, string? message = null)
    {
        ArgumentNullException.ThrowIfNull(family);
        ArgumentNullException.ThrowIfNull(code);
        var found = _codes.Find(family.Trim(), code.Trim());
        var isAmbiguous = found is not null && message is not null && AmbiguousCodes.Contains(found);
        return isAmbiguous ? AmbiguousCodes.Resolve(found!, message!, _text.Value) : found;
    }

    /// <summary>What an HTTP status means. A status below 400 is no failure and comes back as unknown.</summary>
    public Classification ClassifyHttp(int status) => DriverFacts.Http(_codes, status) ?? Classification.Unknown;

    /// <summary>
    /// What a message alone says. Text decides whether a fault passes only where it is sure; elsewhere the kind may be given with unknown
    /// persistence. At most the first 4,096 characters are read.
    /// </summary>
    /// <param name="message">Any text in any language; null and empty are unknown.</param>
    public Classification ClassifyText(string? message) => _text.Value.Find(message) ?? Classification.Unknown;

    /// <summary>The classification of a kind by its default row, for faults that a program makes itself.</summary>
    /// <param name="kind">What happened.</param>
    /// <param name="evidence">Why, as shown to people; null says that the program said so.</param>
    public Classification ForKind(FaultKind kind, string? evidence = null) =>
        _kinds.Classify(kind, null, evidence ?? string.Create(CultureInfo.InvariantCulture, $"stated as {kind.Name()}"));
}
