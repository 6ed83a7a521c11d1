using System.Buffers;
using System.Text;
using System.Text.Json;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>One line of a diff: <c>+</c> added, <c>-</c> removed, a space for what stayed.</summary>
internal readonly record struct DiffLine(char Sign, string Text);

/// <summary>
/// What an edit changed, line by line. JSON is laid out first, so that a change in one field is one line, whoever wrote the spaces. Bodies
/// that are no text, or longer than 2,000 lines, are only said to differ.
/// </summary>
internal sealed record PayloadDiff(IReadOnlyList<DiffLine> Lines, string? Note)
{
    private const int LinesMax = 2_000;
    private const int BytesMax = 1 << 20;
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);
    private static readonly JsonWriterOptions Indented = new()
    {
        Indented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static PayloadDiff Of(Payload before, Payload after)
    {
        if (before.Body.Span.SequenceEqual(after.Body.Span))
            return new([], after.Edits == 0 ? "It was never edited." : "The bodies are the same, byte for byte.");
        if (before.Body.Length > BytesMax || after.Body.Length > BytesMax
            || TextOf(before.Body, after.Body) is not var (old, now))
            return new([], $"{before.Body.Length:N0} and {after.Body.Length:N0} bytes that are not text, or too long to compare.");
        return new(Compare(old, now), null);
    }

    /// <summary>As tools write it, one line a line.</summary>
    public string ToText() => Note is not null ? Note + "\n" : string.Concat(Lines.Select(line => $"{line.Sign}{line.Text}\n"));

    private static (string[] Old, string[] Now)? TextOf(ReadOnlyMemory<byte> before, ReadOnlyMemory<byte> after)
    {
        var (json, alsoJson) = (LaidOut(before), LaidOut(after));
        var bothJson = json is not null && alsoJson is not null;
        try
        {
            var old = (bothJson ? json! : Strict.GetString(before.Span)).ReplaceLineEndings("\n").Split('\n');
            var now = (bothJson ? alsoJson! : Strict.GetString(after.Span)).ReplaceLineEndings("\n").Split('\n');
            return old.Length > LinesMax || now.Length > LinesMax ? null : (old, now);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static string? LaidOut(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var text = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(text, Indented))
                document.WriteTo(writer);
            return Encoding.UTF8.GetString(text.WrittenSpan);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The longest common part stays; a table of what is common from each place on, kept small by the bound.</summary>
    private static List<DiffLine> Compare(string[] old, string[] now)
    {
        var start = 0;
        while (start < old.Length && start < now.Length && old[start] == now[start])
            start++;
        var end = 0;
        while (end < old.Length - start && end < now.Length - start && old[^(end + 1)] == now[^(end + 1)])
            end++;
        var (left, right) = (old.Length - end, now.Length - end);
        var common = new int[left - start + 1, right - start + 1];
        for (var i = left - 1; i >= start; i--)
        {
            for (var j = right - 1; j >= start; j--)
            {
                common[i - start, j - start] = old[i] == now[j] ? common[i - start + 1, j - start + 1] + 1
                    : Math.Max(common[i - start + 1, j - start], common[i - start, j - start + 1]);
            }
        }
        var lines = old.Take(start).Select(line => new DiffLine(' ', line)).ToList();
        var (a, b) = (start, start);
        while (a < left || b < right)
        {
            if (a < left && b < right && old[a] == now[b])
            {
                lines.Add(new(' ', old[a++]));
                b++;
            }
            else if (b == right || (a < left && common[a - start + 1, b - start] >= common[a - start, b - start + 1]))
                lines.Add(new('-', old[a++]));
            else
                lines.Add(new('+', now[b++]));
        }
        lines.AddRange(old.Skip(left).Select(line => new DiffLine(' ', line)));
        return lines;
    }
}
