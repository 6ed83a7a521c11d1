using Recourse.Tables;

namespace Recourse;

/// <summary>
/// Collects the rules of one <see cref="FaultClassifier"/> while it is built. Rules come before every built-in fact; among each other they
/// are asked in the order in which they were added.
/// </summary>
public sealed class FaultRules
{
    private readonly Dictionary<FaultCode, FaultCells> _codes = [];
    private readonly List<KeyValuePair<string, FaultCells>> _phrases = [];
    private readonly List<Func<KindTable, ExceptionRule>> _exceptionRules = [];
    private readonly List<FactReader> _readers = [];
    private readonly Dictionary<int, Func<object>> _results = [];

    internal FaultRules()
    {
    }

    internal KindTable Kinds { get; private set; } = KindTable.BuiltIn;

    internal IReadOnlyDictionary<FaultCode, FaultCells> Codes => _codes;

    internal IReadOnlyList<KeyValuePair<string, FaultCells>> Phrases => _phrases;

    internal IReadOnlyList<FactReader> Readers => _readers;

    internal bool IsTableUntouched => _codes.Count == 0 && ReferenceEquals(Kinds, KindTable.BuiltIn);

    /// <summary>Changes the default row of a kind, and with it every code and phrase of that kind that does not say otherwise.</summary>
    /// <param name="kind">The kind whose row changes.</param>
    /// <param name="cells">The cells to set; <see cref="FaultCells.Kind"/> must be null.</param>
    public FaultRules ForKind(FaultKind kind, FaultCells cells)
    {
        ArgumentNullException.ThrowIfNull(cells);
        if (cells.Kind is not null)
            throw new ArgumentException($"FaultCells.Kind was {cells.Kind}; it must be null here: a kind cannot become another.",
                nameof(cells));
        Kinds = Kinds.With(kind, cells);
        return this;
    }

    /// <summary>Sets the row of one code, or changes cells of the row it has. The last call for a code wins.</summary>
    /// <param name="family">A family of the table, or one of your own.</param>
    /// <param name="code">The code, in any case.</param>
    /// <param name="cells">The cells to set.</param>
    public FaultRules ForCode(string family, string code, FaultCells cells)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(family);
        ArgumentException.ThrowIfNullOrWhiteSpace(code);
        ArgumentNullException.ThrowIfNull(cells);
        if (cells.Kind is null && CodeTable.BuiltIn.Find(family, code) is null)
            throw new ArgumentException($"FaultCells.Kind was null; {family} {code} has no row yet, so it must be given.", nameof(cells));
        _codes[new FaultCode(CodeTable.Canonical(family).ToUpperInvariant(), code.ToUpperInvariant())] = cells;
        return this;
    }

    /// <summary>A phrase that decides when no code and no type does; it is looked for before the built-in phrases, in any case.</summary>
    /// <param name="phrase">3 to 200 characters.</param>
    /// <param name="cells">The cells to set; <see cref="FaultCells.Kind"/> must be given.</param>
    public FaultRules ForText(string phrase, FaultCells cells)
    {
        ArgumentNullException.ThrowIfNull(phrase);
        ArgumentNullException.ThrowIfNull(cells);
        if (phrase.Length is < 3 or > 200)
            throw new ArgumentException($"The phrase has {phrase.Length} characters; 3 to 200 are allowed.", nameof(phrase));
        if (cells.Kind is null) throw new ArgumentException("FaultCells.Kind was null; a phrase must name a kind.", nameof(cells));
        _phrases.Add(new(phrase, cells));
        return this;
    }

    /// <summary>
    /// An exception type, wherever it stands in the chain, means a kind. Cells that are null come from the kind's default row.
    /// </summary>
    /// <typeparam name="TException">The type; derived types match too.</typeparam>
    /// <param name="cells">The cells to set; <see cref="FaultCells.Kind"/> must be given.</param>
    /// <param name="when">Narrows the rule; null matches always. If it throws, the rule does not match.</param>
    public FaultRules ForException<TException>(FaultCells cells, Func<TException, bool>? when = null)
        where TException : Exception
    {
        ArgumentNullException.ThrowIfNull(cells);
        if (cells.Kind is null) throw new ArgumentException("FaultCells.Kind was null; it must be given.", nameof(cells));
        _exceptionRules.Add(kinds => new ExceptionRule<TException>(
            when, Verdict.Failure(kinds.Classify(cells.Kind.Value, cells, $"rule {typeof(TException).Name}")), null));
        return this;
    }

    /// <summary>An exception type, wherever it stands in the chain, means a kind with its default row.</summary>
    /// <typeparam name="TException">The type; derived types match too.</typeparam>
    /// <param name="kind">What happened.</param>
    /// <param name="when">Narrows the rule; null matches always. If it throws, the rule does not match.</param>
    public FaultRules ForException<TException>(FaultKind kind, Func<TException, bool>? when = null)
        where TException : Exception => ForException(new FaultCells { Kind = kind }, when);

    /// <summary>A function judges an exception type itself: failure, success or neutral, or null to leave it to others.</summary>
    /// <typeparam name="TException">The type; derived types match too.</typeparam>
    /// <param name="judge">Called for each exception of the chain with that type. If it throws, that counts as null.</param>
    public FaultRules ForException<TException>(Func<TException, Verdict?> judge)
        where TException : Exception
    {
        ArgumentNullException.ThrowIfNull(judge);
        _exceptionRules.Add(_ => new ExceptionRule<TException>(null, default, judge));
        return this;
    }

    /// <summary>An exception type counts for nothing: neither failure nor success.</summary>
    /// <typeparam name="TException">The type; derived types match too.</typeparam>
    /// <param name="when">Narrows the rule; null matches always. If it throws, the rule does not match.</param>
    public FaultRules Ignore<TException>(Func<TException, bool>? when = null)
        where TException : Exception
    {
        _exceptionRules.Add(_ => new ExceptionRule<TException>(when, Verdict.Neutral, null));
        return this;
    }

    /// <summary>A reader for the codes of a driver that the classifier does not know. Asked before the built-in readers.</summary>
    public FaultRules AddFactReader(FactReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        _readers.Add(reader);
        return this;
    }

    /// <summary>A rule for results of exactly this type; it answers null to leave the value to the next rule, at last to success.</summary>
    /// <typeparam name="T">The declared result type of the calls.</typeparam>
    /// <param name="rule">Must be fast and pure. If it throws, the attempt counts as neutral.</param>
    public FaultRules AddResultRule<T>(Func<T, Verdict?> rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        var slot = ResultSlot<T>.Index;
        var lower = _results.TryGetValue(slot, out var existing) ? (Func<T, Verdict?>[])existing() : [];
        Func<T, Verdict?>[] all = [.. lower, rule];
        _results[slot] = () => all;
        return this;
    }

    internal ExceptionRule[] ExceptionRules() => [.. _exceptionRules.Select(make => make(Kinds))];

    internal object?[] ResultRules()
    {
        var rules = new object?[_results.Count == 0 ? 0 : _results.Keys.Max() + 1];
        foreach (var (slot, functions) in _results) rules[slot] = functions();
        return rules;
    }
}
