namespace Recourse.Server.Redaction;

/// <summary>
/// A place in JSON: names with dots between, <c>*</c> for any one name, <c>**</c> for any depth, an optional <c>$.</c> before. Arrays are
/// walked through: <c>patients.ssn</c> is the ssn of each patient.
/// </summary>
internal sealed class JsonPath
{
    private const int SegmentsMax = 32;
    private readonly string[] _segments;

    private JsonPath(string[] segments) => _segments = segments;

    /// <summary>The last name; null when it is a star, which names nothing.</summary>
    public string? LastName => _segments[^1] is "*" or "**" ? null : _segments[^1];

    /// <summary>Reads a path; null when it is none.</summary>
    public static JsonPath? Parse(string text)
    {
        var plain = text.StartsWith("$.", StringComparison.Ordinal) ? text[2..] : text;
        var segments = plain.Replace("[*]", "", StringComparison.Ordinal).Split('.');
        return segments.Length is > 0 and <= SegmentsMax && segments[^1] != "**"
            && segments.All(segment => segment.Length is > 0 and <= 200 && segment.AsSpan().IndexOfAny("[]$'\"") < 0)
            ? new(segments) : null;
    }

    /// <summary>Where the paths stand below a member: a set of places, each the number of segments that are matched.</summary>
    public void Step(string name, IReadOnlySet<int> at, ISet<int> next)
    {
        foreach (var place in at)
        {
            if (place >= _segments.Length)
                continue;
            if (_segments[place] == "**")
            {
                next.Add(place);
                Match(name, place + 1, next);
            }
            else
                Match(name, place, next);
        }
    }

    private void Match(string name, int place, ISet<int> next)
    {
        if (_segments[place] == "**")
            next.Add(place);
        else if (_segments[place] == "*" || _segments[place].Equals(name, StringComparison.OrdinalIgnoreCase))
            next.Add(place + 1);
    }

    /// <summary>True when a set of places holds the end of the path.</summary>
    public bool Ends(IReadOnlySet<int> at) => at.Contains(_segments.Length);
}
