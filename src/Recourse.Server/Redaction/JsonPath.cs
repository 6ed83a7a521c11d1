namespace Recourse.Server.Redaction;

/// <summary>
/// A place in JSON: names with dots between, <c>*</c> for any one name or any one entry of an array, <c>**</c> for any depth. Arrays are
/// walked through also without a star: <c>patients.ssn</c> and <c>patients.*.ssn</c> are both the ssn of each patient.
/// </summary>
internal sealed class JsonPath
{
    private const int SegmentsMax = 32;
    private const int NameMax = 200;
    private readonly string[] _segments;

    private JsonPath(string[] segments) => _segments = segments;

    /// <summary>The last name; null when it is a star, which names nothing.</summary>
    public string? LastName => _segments[^1] is "*" or "**" ? null : _segments[^1];

    /// <summary>Reads a path; null when it is none.</summary>
    public static JsonPath? Parse(string text) => Mistake(text) is null ? new(text.Split('.')) : null;

    /// <summary>What is wrong with a path, as a sentence; null when nothing is.</summary>
    public static string? Mistake(string text)
    {
        const string Write = "write patient.ssn, cards.*.number or **.password";
        var segments = text.Split('.');
        if (text.AsSpan().IndexOfAny("[]") >= 0)
            return $"'{text}' has brackets; entries of an array are all meant, with * or without: {Write}.";
        if (segments[0] == "$")
            return $"'{text}' begins with $; a place begins with its first name: {Write}.";
        if (Array.Exists(segments, segment => segment is not ("*" or "**") && segment.Contains('*', StringComparison.Ordinal)))
            return $"'{text}' has a star within a name; * alone is any one name or entry, ** any depth: {Write}.";
        if (segments[^1] == "**")
            return $"'{text}' ends with **, which names nothing; * after it is everything below: {Write}.";
        if (segments.Length > SegmentsMax || Array.Exists(segments, segment => segment.Length is 0 or > NameMax)
            || text.AsSpan().IndexOfAny("$'\"") >= 0)
            return $"'{text}' is no place in JSON: at most {SegmentsMax} names of 1 to {NameMax} characters, without quotes or $, "
                + $"with dots between; {Write}.";
        return null;
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

    /// <summary>Where the paths stand in an entry of an array: where they stood, for it is walked through, or a star further.</summary>
    public void Enter(IReadOnlySet<int> at, ISet<int> next)
    {
        foreach (var place in at)
        {
            if (place >= _segments.Length)
                continue;
            next.Add(place);
            if (_segments[place] == "*")
                next.Add(place + 1);
            else if (_segments[place] == "**" && _segments[place + 1] == "*")
                next.Add(place + 2);
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
