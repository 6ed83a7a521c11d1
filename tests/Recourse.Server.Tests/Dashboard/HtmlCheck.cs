namespace Recourse.Server.Tests.Dashboard;

/// <summary>
/// Reads a page tag by tag and says what a validator would: tags that do not match, ids used twice, references to ids that are not there,
/// fields without a label, and what the content security policy forbids (styles and scripts inside the page).
/// </summary>
internal sealed class HtmlCheck
{
    private static readonly HashSet<string> Void = ["meta", "link", "input", "br", "img", "hr", "wbr"];

    private readonly List<string> _faults = [];
    private readonly Stack<string> _open = new();
    private readonly HashSet<string> _ids = [];
    private readonly HashSet<string> _labelled = [];
    private readonly List<(string Id, string By)> _references = [];
    private readonly List<string> _fields = [];

    private HtmlCheck(string html) => Read(html);

    /// <summary>How often each tag was opened.</summary>
    public Dictionary<string, int> Tags { get; } = [];

    public static HtmlCheck AssertSound(string html)
    {
        var check = new HtmlCheck(html);
        Assert.True(check._faults.Count == 0, string.Join("\n", check._faults) + "\n" + html);
        return check;
    }

    private void Read(string html)
    {
        for (var at = html.IndexOf('<', StringComparison.Ordinal); at >= 0; at = html.IndexOf('<', at))
        {
            var end = EndOfTag(html, at);
            if (end < 0)
            {
                _faults.Add($"A tag is not closed: {html[at..Math.Min(at + 60, html.Length)]}");
                return;
            }
            Take(html[(at + 1)..end]);
            at = end;
        }
        _faults.AddRange(_open.Select(tag => $"<{tag}> is never closed."));
        _faults.AddRange(_references.Where(reference => !_ids.Contains(reference.Id)).Select(reference =>
            $"{reference.By} names #{reference.Id}, which is not there."));
        _faults.AddRange(_fields.Where(field => !_labelled.Contains(field)).Select(field => $"The field #{field} has no label."));
    }

    // A '>' inside a quoted value does not end the tag.
    private static int EndOfTag(string html, int at)
    {
        char? quote = null;
        for (var i = at; i < html.Length; i++)
        {
            if (quote is not null)
                quote = html[i] == quote ? null : quote;
            else if (html[i] is '"' or '\'')
                quote = html[i];
            else if (html[i] == '>')
                return i;
        }
        return -1;
    }

    private void Take(string tag)
    {
        if (tag.StartsWith('!'))
            return;
        if (tag.StartsWith('/'))
        {
            if (!_open.TryPop(out var opened) || opened != tag[1..].Trim())
                _faults.Add($"</{tag[1..]}> closes <{opened}>.");
            return;
        }
        var attributes = Attributes(tag, out var name);
        Tags[name] = Tags.GetValueOrDefault(name) + 1;
        if (!Void.Contains(name) && !tag.EndsWith('/'))
            _open.Push(name);
        Judge(name, attributes);
    }

    private void Judge(string name, Dictionary<string, string> attributes)
    {
        if (name == "style" || (name == "script" && !attributes.ContainsKey("src")))
            _faults.Add($"<{name}> stands in the page.");
        foreach (var (key, value) in attributes)
        {
            if (key == "style" || key.StartsWith("on", StringComparison.Ordinal))
                _faults.Add($"<{name} {key}=…> stands in the page.");
            if (key == "id" && !_ids.Add(value))
                _faults.Add($"The id '{value}' is used twice.");
            if (key is "aria-labelledby" or "for")
                _references.Add((value, $"{name} {key}"));
        }
        if (name == "label" && attributes.TryGetValue("for", out var target))
            _labelled.Add(target);
        if (name is "select" or "textarea" || (name == "input" && attributes.GetValueOrDefault("type") != "hidden"))
            _fields.Add(attributes.GetValueOrDefault("id") ?? $"{name} without id");
        if (name == "th" && !attributes.ContainsKey("scope"))
            _faults.Add("<th> without scope.");
        if (name == "img" && !attributes.ContainsKey("alt"))
            _faults.Add("<img> without alt.");
    }

    private static Dictionary<string, string> Attributes(string tag, out string name)
    {
        var attributes = new Dictionary<string, string>();
        var at = tag.IndexOfAny([' ', '\n', '/']);
        name = at < 0 ? tag : tag[..at];
        while (at >= 0 && at < tag.Length)
        {
            while (at < tag.Length && (char.IsWhiteSpace(tag[at]) || tag[at] == '/'))
                at++;
            var end = at;
            while (end < tag.Length && !char.IsWhiteSpace(tag[end]) && tag[end] is not '=' and not '/')
                end++;
            if (end == at)
                break;
            var key = tag[at..end];
            at = end;
            if (at < tag.Length && tag[at] == '=')
            {
                var close = tag.IndexOf(tag[at + 1], at + 2);
                attributes.Add(key, tag[(at + 2)..close]);
                at = close + 1;
            }
            else
                attributes.Add(key, "");
        }
        return attributes;
    }
}
