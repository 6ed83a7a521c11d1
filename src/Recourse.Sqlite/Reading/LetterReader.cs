using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// A page of dead letters, the last to die first or in the order of storing; or their number. The most selective condition chooses the
/// index that is walked; the others, and whether the error really contains the text, are looked at row by row, at a bounded number of
/// rows: a page that ends at the bound has fewer rows and a next. What the page shows is read only of those that are on it.
/// </summary>
internal sealed class LetterReader(ReadConnection read, DeliveryFilter filter, PageCursor cursor, long? group, long now)
{
    /// <summary>Rows that one page looks at, whatever it asks: a few tens of milliseconds.</summary>
    private const int Examined = 5_000;

    /// <summary>Fewer where the text of each has to be read, because the text that is looked for is too short for the index.</summary>
    private const int ExaminedByText = 1_500;

    // A kind of more groups than this is common enough to be met soon on a walk through all.
    private const int GroupsMerged = 100;

    private readonly record struct Place(long DiedAt, long Key);

    private readonly List<Place> _found = [];
    private HashSet<long>? _routes;
    private int _left = Examined;
    // Of a count: what is still to be found, and what was.
    private long? _countMax;
    private long _counted;

    // Of a walk that ended at the bound: where. What lies behind it may have been missed.
    private Place? _horizon;

    public Page<DeliverySummary> Page()
    {
        if (filter.Text is not null && LetterSearch.Query(filter.Text) is null)
            _left = ExaminedByText;
        _routes = filter.Queue is null && filter.Service is null ? null : [.. ListReader.Routes(read, filter)];
        Search();
        _found.Sort(Compare);
        if (_horizon is { } end)
            _found.RemoveAll(place => Compare(place, end) > 0);
        var more = _found.Count > filter.Limit;
        if (more)
            _found.RemoveRange(filter.Limit, _found.Count - filter.Limit);
        var last = more ? _found[^1] : _horizon;
        return new(_found.ConvertAll(Show), last is { } at ? cursor.Behind(at.DiedAt, at.Key).ToString() : null);
    }

    /// <summary>How many match, up to a bound; it looks at as many rows as that takes. Call instead of <see cref="Page"/>.</summary>
    public long Count(long max)
    {
        _countMax = max;
        Search();
        return _counted;
    }

    private int Compare(Place left, Place right) => cursor.Compare((left.DiedAt, left.Key), (right.DiedAt, right.Key));

    private void Search()
    {
        _routes = filter.Queue is null && filter.Service is null ? null : [.. ListReader.Routes(read, filter)];
        if (cursor.Order is PageOrder.Oldest)
            Walk(LetterPath.ByKey);
        else if (filter.Resolved is true)
            Walk(LetterPath.Resolved);
        else if (filter.Text is { } text && LetterSearch.Query(text) is { } query)
            Find(query);
        else if (group is not null)
            Walk(LetterPath.OfGroup);
        else if (filter.Assignee is { Length: > 0 })
            Walk(LetterPath.Assigned);
        else if (_routes is not null)
            EachRoute();
        else if (filter.Kind is not null && GroupsOfKind() is { Count: <= GroupsMerged } groups)
            EachGroup(groups);
        else
            Walk(LetterPath.All);
    }

    private List<long> GroupsOfKind()
    {
        var row = read["SELECT fingerprint FROM letter_groups WHERE kind = ?1 AND dead > 0 LIMIT ?2"];
        row.Bind(1, filter.Kind!.Value.Name()).Bind(2, GroupsMerged + 1);
        var groups = new List<long>();
        while (row.Step())
            groups.Add(row.Int64(0));
        return groups;
    }

    /// <summary>A kind is its groups, and what an earlier release left unsorted.</summary>
    private void EachGroup(List<long> groups)
    {
        var each = Math.Max(filter.Limit + 1, _left / Math.Max(1, groups.Count));
        foreach (var one in groups)
        {
            _left = each;
            Walk(LetterPath.OfGroup, of: one);
        }
        _left = ExaminedByText;
        Walk(LetterPath.Unsorted);
    }

    /// <summary>By the index of texts; and one by one those of an earlier release that are not in it yet.</summary>
    private void Find(string query)
    {
        Walk(LetterPath.WithText, query: query);
        _left = ExaminedByText;
        Walk(LetterPath.Unsorted);
    }

    /// <summary>Each route is one range of an index; a bound that the first used up would hide the others.</summary>
    private void EachRoute()
    {
        var each = Math.Max(filter.Limit + 1, _left / Math.Max(1, _routes!.Count));
        foreach (var route in _routes)
        {
            _left = each;
            Walk(LetterPath.OfRoute, route: route);
        }
    }

    private void Walk(LetterPath path, string? query = null, long? route = null, long? of = null)
    {
        var row = read[path.Sql(filter)];
        var before = cursor.ByDeath ? cursor.DeadAt : long.MaxValue;
        row.Bind(1, Math.Min(before, filter.Until is { } until ? StoreTime.Micros(until) : long.MaxValue))
            .Bind(2, filter.Since is { } since ? StoreTime.Micros(since) : long.MinValue).Bind(3, cursor.Key).Bind(4, of ?? group)
            .Bind(5, query).Bind(6, filter.Kind?.Name()).Bind(7, filter.Assignee).Bind(8, route);
        var wanted = _found.Count + filter.Limit + 1;
        while (_found.Count < wanted && _counted < (_countMax ?? long.MaxValue) && row.Step())
        {
            var place = new Place(row.Int64(1), row.Int64(0));
            var matches = cursor.Admits(place.DiedAt, place.Key) && Matches(row, place.DiedAt);
            if (_countMax is not null)
            {
                _counted += matches ? 1 : 0;
                continue;
            }
            if (matches)
                _found.Add(place);
            if (--_left > 0)
                continue;
            // The nearest of several ends counts: behind it nothing is known for sure.
            if (_horizon is null || Compare(place, _horizon.Value) < 0)
                _horizon = place;
            break;
        }
        row.Reset();
    }

    private bool Matches(SqliteStatement row, long diedAt)
    {
        var letter = new LetterFacts(
            diedAt, row.TextOrNull(3), (Persistence)row.Int32(4), (Blame)row.Int32(5), row.Int32(6), row.Int32(7), row.Int64OrNull(8),
            new(row.TextOrNull(9), null, row.Bool(10), row.TextOrNull(11), row.Int64OrNull(12)));
        return filter.Admits(letter, group, now)
            && (_routes is null || _routes.Contains(row.Int64(2)))
            && (filter.Text is null || row.TextOrNull(13)?.Contains(filter.Text, StringComparison.OrdinalIgnoreCase) == true)
            && (filter.OrderKey is null || row.TextOrNull(14) == filter.OrderKey);
    }

    private DeliverySummary Show(Place place)
    {
        var row = read[$"SELECT {DeliverySql.Columns} {DeliverySql.From} WHERE d.key = ?1"];
        row.Bind(1, place.Key).Step();
        var summary = DeliverySql.SummaryOrNote(row, now);
        row.Reset();
        return summary;
    }
}
