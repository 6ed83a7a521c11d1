using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;

namespace Recourse.Tables;

/// <summary>
/// (family, code) → classification. Families are built when they are first asked for, so a program pays only for drivers that it meets.
/// </summary>
internal sealed class CodeTable
{
    private readonly FrozenDictionary<string, Lazy<FamilyCodes>> _families;
    private readonly Lazy<FamilyCodes> _http;
    private readonly Lazy<FamilyCodes> _sockets;
    private readonly Lazy<FamilyCodes> _postgres;
    private readonly Lazy<FamilyCodes> _sqlite;
    private readonly Lazy<FamilyCodes> _sqlServer;
    private readonly Lazy<FamilyCodes> _mySql;
    private readonly Lazy<FamilyCodes> _grpc;
    private readonly Lazy<FamilyCodes> _redis;

    internal CodeTable(KindTable kinds, IEnumerable<KeyValuePair<FaultCode, FaultCells>> overrides)
    {
        var own = overrides.ToLookup(pair => Canonical(pair.Key.Family), StringComparer.OrdinalIgnoreCase);
        var families = new Dictionary<string, Lazy<FamilyCodes>>(StringComparer.OrdinalIgnoreCase);
        foreach (var family in CodeFamilies.All)
        {
            var lazy = new Lazy<FamilyCodes>(() => new FamilyCodes(family, kinds, own[family.Name]));
            families.Add(family.Name, lazy);
            foreach (var alias in family.Aliases.Split(' ', StringSplitOptions.RemoveEmptyEntries)) families.Add(alias, lazy);
        }

        foreach (var group in own.Where(group => !families.ContainsKey(group.Key)))
            families.Add(group.Key, new Lazy<FamilyCodes>(() => new FamilyCodes(new CodeFamily(group.Key, []), kinds, group)));
        _families = families.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        (_http, _sockets, _grpc, _redis) = (_families["http"], _families["socket"], _families["grpc"], _families["redis"]);
        (_postgres, _sqlite) = (_families["postgres"], _families["sqlite"]);
        (_sqlServer, _mySql) = (_families["sqlserver"], _families["mysql"]);
    }

    /// <summary>The table without any override.</summary>
    internal static CodeTable BuiltIn { get; } = new(KindTable.BuiltIn, []);

    internal FamilyCodes Http => _http.Value;

    internal FamilyCodes Sockets => _sockets.Value;

    internal FamilyCodes Postgres => _postgres.Value;

    internal FamilyCodes Sqlite => _sqlite.Value;

    internal FamilyCodes SqlServer => _sqlServer.Value;

    internal FamilyCodes MySql => _mySql.Value;

    internal FamilyCodes Grpc => _grpc.Value;

    internal FamilyCodes Redis => _redis.Value;

    internal FamilyCodes? Family(string name) => _families.TryGetValue(name, out var family) ? family.Value : null;

    /// <summary>The row of a code; null when the family or the code is unknown and nothing can be said.</summary>
    internal Classification? Find(string family, string code) => Family(family)?.Find(code);

    internal Classification? Find(string family, int code) => Family(family)?.Find(code);

    /// <summary>The name under which the table keeps a family; the name itself where it keeps none.</summary>
    internal static string Canonical(string family) =>
        CodeFamilies.All.FirstOrDefault(known =>
            known.Aliases.Split(' ').Contains(family, StringComparer.OrdinalIgnoreCase))?.Name ?? family;
}

/// <summary>
/// The codes of one family, by text, by number and by SQLSTATE. Answers for codes without a row are kept as well, up to a bound, so that
/// meeting the same one again costs a look-up and no garbage.
/// </summary>
internal sealed class FamilyCodes
{
    // Codes come from services, so what is kept of them has a bound; beyond it an unlisted code is worked out each time.
    private const int MaxUnlisted = 512;
    private const int LongestUnlisted = 64;

    private readonly FrozenDictionary<string, Classification> _byCode;
    private readonly FrozenDictionary<string, Classification>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private readonly FrozenDictionary<int, Classification> _byNumber;
    private readonly FrozenDictionary<int, Classification> _byState;
    private readonly ConcurrentDictionary<string, Classification> _unlisted = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, Classification> _unlistedNumbers = new();
    private readonly CodeFamily _family;
    private readonly KindTable _kinds;
    private int _kept;

    internal FamilyCodes(CodeFamily family, KindTable kinds, IEnumerable<KeyValuePair<FaultCode, FaultCells>> overrides)
    {
        (_family, _kinds) = (family, kinds);
        var own = overrides.ToDictionary(pair => pair.Key.Code, pair => pair.Value, StringComparer.OrdinalIgnoreCase);
        var codes = new Dictionary<string, Classification>(StringComparer.OrdinalIgnoreCase);
        foreach (var row in family.Rows)
        {
            foreach (var token in row.Codes.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                var names = token.Split('=');
                var cells = names.Select(own.GetValueOrDefault).FirstOrDefault(found => found is not null);
                var classification = Make(row, names[0], cells);
                foreach (var name in names) codes.TryAdd(name, classification);
            }
        }

        foreach (var (code, cells) in own)
            codes.TryAdd(code, Make(family.Otherwise?.Invoke(code), code, cells));
        _byCode = codes.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
        _bySpan = _byCode.GetAlternateLookup<ReadOnlySpan<char>>();
        _byNumber = codes
            .Where(pair => int.TryParse(pair.Key, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _))
            .DistinctBy(pair => int.Parse(pair.Key, CultureInfo.InvariantCulture))
            .ToFrozenDictionary(pair => int.Parse(pair.Key, CultureInfo.InvariantCulture), pair => pair.Value);
        _byState = codes
            .Where(pair => SqlState.Pack(pair.Key) != SqlState.None)
            .DistinctBy(pair => SqlState.Pack(pair.Key))
            .ToFrozenDictionary(pair => SqlState.Pack(pair.Key), pair => pair.Value);
    }

    internal string Name => _family.Name;

    /// <summary>Every code and name that has a row, for documentation and tests.</summary>
    internal IEnumerable<string> Codes => _byCode.Keys;

    internal Classification? Find(string code)
    {
        if (_byCode.TryGetValue(code, out var found)) return found;
        // "0503" and "503" are one number; SQLSTATEs that happen to be digits are listed as text and were found above.
        if (int.TryParse(code, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && _byNumber.TryGetValue(number, out found)) return found;
        return code.Length > 0 ? Otherwise(code) : null;
    }

    internal Classification? Find(int code) =>
        _byNumber.TryGetValue(code, out var found) || _unlistedNumbers.TryGetValue(code, out found) ? found : Otherwise(code);

    /// <summary>The row of a SQLSTATE: five letters and digits are one number, so no text is hashed or compared.</summary>
    internal Classification? FindState(string state) =>
        _byState.TryGetValue(SqlState.Pack(state), out var found) ? found : state.Length == 5 ? Otherwise(state) : null;

    /// <summary>Like <see cref="Find(int)"/>, but only for a code that has a row of its own.</summary>
    internal Classification? FindListed(int code) => _byNumber.GetValueOrDefault(code);

    /// <summary>The row of a code within a longer text; null unless it has one of its own.</summary>
    internal Classification? FindListed(ReadOnlySpan<char> code) => _bySpan.TryGetValue(code, out var found) ? found : null;

    private Classification? Otherwise(string code)
    {
        if (_unlisted.TryGetValue(code, out var found)) return found;
        if (_family.Otherwise?.Invoke(code) is not { } row) return null;
        found = Make(row, code, null);
        if (code.Length <= LongestUnlisted && MayKeep()) _unlisted.TryAdd(code, found);
        return found;
    }

    private Classification? Otherwise(int code)
    {
        var found = Otherwise(code.ToString(CultureInfo.InvariantCulture));
        if (found is not null && MayKeep()) _unlistedNumbers.TryAdd(code, found);
        return found;
    }

    private bool MayKeep() => Volatile.Read(ref _kept) < MaxUnlisted && Interlocked.Increment(ref _kept) <= MaxUnlisted;

    private Classification Make(CodeRow? row, string code, FaultCells? own)
    {
        var cells = own is null ? row?.Cells : row is null ? own : own.Over(row.Cells);
        var kind = own?.Kind ?? row?.Kind ?? FaultKind.Unknown;
        var evidence = own is null ? $"{Name} {code}" : $"rule {Name} {code}";
        return _kinds.Classify(kind, cells, evidence, Name, code);
    }
}
