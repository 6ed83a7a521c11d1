using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Recourse.Durable;

/// <summary>A group as a writer counts it; what changed gathers here until the commit.</summary>
internal sealed class LetterGroup
{
    public required long Fingerprint { get; init; }
    public required string Service { get; init; }
    public required string Kind { get; init; }
    public string? Code { get; init; }
    public required string Template { get; init; }
    public string? Sample { get; set; }
    public long Dead { get; set; }
    public long Total { get; set; }
    public required long FirstSeen { get; init; }
    public long LastSeen { get; set; }

    public DeadLetterGroup Shown() => new()
    {
        Id = LetterGroups.Id(Fingerprint),
        Service = Service,
        Kind = FaultKinds.TryParse(Kind, out var kind) ? kind : FaultKind.Unknown,
        Code = Code,
        Template = Template,
        Sample = Sample,
        Dead = Dead,
        Total = Total,
        FirstSeen = StoreTime.Time(FirstSeen),
        LastSeen = StoreTime.Time(LastSeen),
    };
}

/// <summary>
/// All groups of dead letters, in the memory of the one writer, the same in every store. At most 10,000: then the one that has been empty
/// longest makes room, and where none is empty the letter joins the group of its service, kind and code whatever its text.
/// </summary>
internal sealed class LetterGroups
{
    public const int GroupsMax = 10_000;
    private const int SampleCharsMax = 500;

    private readonly Dictionary<long, LetterGroup> _groups = [];
    private readonly HashSet<long> _changed = [];
    private readonly List<long> _removed = [];

    /// <summary>Kept in memory: 0 when nothing ever died.</summary>
    public int Count => _groups.Count;

    public IEnumerable<LetterGroup> All => _groups.Values;

    /// <summary>What is to be written with the next commit.</summary>
    public IEnumerable<LetterGroup> Changed => _changed.Select(fingerprint => _groups[fingerprint]);

    /// <summary>What made room, and is to be removed with the next commit.</summary>
    public IReadOnlyList<long> Removed => _removed;

    public bool HasChanges => _changed.Count + _removed.Count > 0;

    /// <summary>A group as it was stored.</summary>
    public void Load(LetterGroup group) => _groups[group.Fingerprint] = group;

    /// <summary>After the changes were written.</summary>
    public void Written()
    {
        _changed.Clear();
        _removed.Clear();
    }

    /// <summary>After a rollback, before what is stored is loaded again.</summary>
    public void Clear()
    {
        _groups.Clear();
        Written();
    }

    /// <summary>Counts a death; gives the fingerprint of its group.</summary>
    public long Add(string service, string kind, string? code, string? error, long at)
    {
        var template = ErrorTemplate.Of(error);
        var group = Of(service, kind, code, template) ?? Make(service, kind, code, template, at);
        group.Dead++;
        group.Total++;
        group.LastSeen = Math.Max(group.LastSeen, at);
        group.Sample = Sample(error);
        _changed.Add(group.Fingerprint);
        return group.Fingerprint;
    }

    /// <summary>One of a group is dead no longer.</summary>
    public void Leave(long? fingerprint)
    {
        if (fingerprint is not { } known || !_groups.TryGetValue(known, out var group) || group.Dead == 0)
            return;
        group.Dead--;
        _changed.Add(known);
    }

    /// <summary>Takes back a death that was counted too early.</summary>
    public void Revoke(long fingerprint)
    {
        Leave(fingerprint);
        _groups[fingerprint].Total--;
    }

    private LetterGroup? Of(string service, string kind, string? code, string template) =>
        _groups.GetValueOrDefault(Fingerprint(service, kind, code, template));

    private LetterGroup Make(string service, string kind, string? code, string template, long at)
    {
        if (_groups.Count >= GroupsMax && !MakeRoom())
        {
            template = ErrorTemplate.Value;
            if (Of(service, kind, code, template) is { } rest)
                return rest;
        }
        var group = new LetterGroup
        {
            Fingerprint = Fingerprint(service, kind, code, template),
            Service = service,
            Kind = kind,
            Code = code,
            Template = template,
            FirstSeen = at,
        };
        _groups.Add(group.Fingerprint, group);
        _removed.Remove(group.Fingerprint);
        return group;
    }

    private bool MakeRoom()
    {
        LetterGroup? oldest = null;
        foreach (var group in _groups.Values)
        {
            if (group.Dead == 0 && (oldest is null
                || (group.LastSeen, group.Fingerprint).CompareTo((oldest.LastSeen, oldest.Fingerprint)) < 0))
                oldest = group;
        }
        if (oldest is null)
            return false;
        _groups.Remove(oldest.Fingerprint);
        _changed.Remove(oldest.Fingerprint);
        _removed.Add(oldest.Fingerprint);
        return true;
    }

    private static string? Sample(string? error)
    {
        if (error is null || error.Length <= SampleCharsMax)
            return error;
        var end = char.IsHighSurrogate(error[SampleCharsMax - 2]) ? SampleCharsMax - 2 : SampleCharsMax - 1;
        return string.Concat(error.AsSpan(0, end), "…");
    }

    public static long Fingerprint(string service, string kind, string? code, string template)
    {
        // A zero byte stands in none of the parts, so two cannot run into each other.
        var text = $"{ErrorTemplate.Version}\0{service}\0{kind}\0{code}\0{template}";
        return BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>A fingerprint as it is shown and asked for.</summary>
    public static string Id(long fingerprint) => fingerprint.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Reads what <see cref="Id"/> writes; null for anything else.</summary>
    public static long? Read(string? id) =>
        id is { Length: 16 } && long.TryParse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var fingerprint)
            ? fingerprint : null;

    /// <summary>The groups of a page, from all that are held or stored.</summary>
    public static Page<DeadLetterGroup> Page(IEnumerable<LetterGroup> groups, DeadLetterGroupFilter filter)
    {
        var cursor = Cursor(filter);
        var recent = filter.Order is DeadLetterGroupOrder.Recent;
        var kind = filter.Kind?.Name();
        var found = groups
            .Where(group => group.Dead > 0 && cursor.AdmitsGroup(recent ? group.LastSeen : group.Dead, group.Fingerprint)
                && (filter.Service is null || filter.Service == group.Service)
                && (kind is null || kind == group.Kind)
                && (filter.Text is null || Contains(group.Template, filter.Text) || Contains(group.Sample, filter.Text)))
            .OrderByDescending(group => recent ? group.LastSeen : group.Dead).ThenByDescending(group => group.Fingerprint)
            .Take(filter.Limit + 1).ToList();
        var last = found.Count > filter.Limit ? found[filter.Limit - 1] : null;
        var next = last is null ? null : new PageCursor(cursor.Order, recent ? last.LastSeen : last.Dead, last.Fingerprint).ToString();
        return new([.. found.Take(filter.Limit).Select(group => group.Shown())], next);
    }

    private static PageCursor Cursor(DeadLetterGroupFilter filter)
    {
        var order = filter.Order is DeadLetterGroupOrder.Recent ? PageOrder.Death : PageOrder.Newest;
        return PageCursor.Of(filter.Limit, filter.After, order, nameof(DeadLetterGroupFilter));
    }

    private static bool Contains(string? text, string part) => text?.Contains(part, StringComparison.OrdinalIgnoreCase) == true;
}
