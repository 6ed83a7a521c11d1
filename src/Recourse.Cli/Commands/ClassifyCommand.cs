using System.Buffers;
using System.CommandLine;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse classify TEXT</c>: what a failure is and why; with <c>--ndjson</c> a filter from lines of failures to lines of
/// answers.</summary>
internal static class ClassifyCommand
{
    private const int WrongUsage = 2;
    private const int LongestLine = 1024 * 1024;

    // An answer is for programs and terminals, not for web pages: quotes and letters of other scripts stay readable.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Command Create()
    {
        var text = new Argument<string?>("TEXT")
        {
            Description = "An error message, a code (40P01, ECONNRESET, 503), or a family and a code (kafka 7)",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var family = new Option<string?>("--family") { Description = "Who speaks: http, postgres, kafka …", HelpName = "NAME" };
        var code = new Option<string?>("--code") { Description = "The code as its family writes it", HelpName = "CODE" };
        var json = new Option<bool>("--json") { Description = "Print the answer as JSON and nothing else" };
        var ndjson = new Option<bool>("--ndjson")
        {
            Description = "Read objects with family, code and message (any of them missing) from standard input and answer line by line",
        };
        var command = new Command("classify", "Explain what a failure is, whether it passes and why") { text, family, code, json, ndjson };
        command.Validators.Add(result =>
        {
            if (result.GetValue(ndjson)
                && (result.GetValue(text) ?? result.GetValue(family) ?? result.GetValue(code)) is { } other)
                result.AddError($"--ndjson reads standard input, and found '{other}' beside it. A file: recourse classify --ndjson < FILE");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(ndjson))
            {
                await using var input = Console.OpenStandardInput();
                await using var output = Console.OpenStandardOutput();
                var wrong = await FilterAsync(input, output, cancellationToken);
                if (wrong == 0) return 0;
                await Console.Error.WriteLineAsync(
                    $"recourse: {wrong} line(s) held no failure as a JSON object; each has an error in its place.");
                return 1;
            }

            var (words, name, number) = (parsed.GetValue(text), parsed.GetValue(family), parsed.GetValue(code));
            if (words is null && number is null)
            {
                await Console.Error.WriteLineAsync("recourse: classify needs a TEXT, a --code or --ndjson. Help: recourse classify --help");
                return WrongUsage;
            }

            var report = Explain(name, number, words);
            await Console.Out.WriteLineAsync(parsed.GetValue(json) ? Encoding.UTF8.GetString(Json(report).Span) : Words(report));
            return 0;
        });
        return command.Teach(
        [
            ("The text of an error", "recourse classify \"deadlock detected\""),
            ("A code, with or without who speaks", "recourse classify postgres 40P01"),
            ("A file of failures, one JSON object a line", "recourse classify --ndjson < failures.ndjson"),
        ], "Exit codes: 0 answered, unknown failures included; 1 with --ndjson, if a line held no failure.");
    }

    /// <summary>Answers each line of the input with one line, at once; a line that is no failure gets an error and the next one is
    /// read.</summary>
    internal static async Task<long> FilterAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var wrong = 0L;
        await foreach (var line in LinesAsync(input, cancellationToken))
        {
            if (line is not null && string.IsNullOrWhiteSpace(line)) continue;
            var (answer, isError) = Answer(line);
            if (isError) wrong++;
            // One write with its line end: whoever reads the pipe never sees half an answer.
            await output.WriteAsync(answer, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }

        return wrong;
    }

    private static (ReadOnlyMemory<byte> Line, bool IsError) Answer(string? line)
    {
        if (line is null) return Error($"the line is longer than {LongestLine} characters");
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) return Error($"the line is a JSON {Kind(root)}; it must be an object");
            var report = FaultClassifier.Default.Explain(Text(root, "family"), Text(root, "code"), Text(root, "message"));
            return (Json(report, lineEnd: true), false);
        }
        catch (Exception error) when (error is JsonException or FormatException or InvalidOperationException)
        {
            return Error(error is JsonException json ? $"the line is no JSON (byte {json.BytePositionInLine})" : error.Message);
        }
    }

    // Codes are often numbers in the logs that people pipe in here.
    private static string? Text(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out var value)) return null;
        return value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => throw new FormatException($"\"{name}\" is a JSON {Kind(value)}; it must be a string, a number or null"),
        };
    }

    private static string Kind(JsonElement value) =>
        value.ValueKind is JsonValueKind.True or JsonValueKind.False ? "boolean" : Lower(value.ValueKind.ToString());

    private static ClassificationReport Explain(string? family, string? code, string? text)
    {
        var classifier = FaultClassifier.Default;
        if (family is null && code is null
            && text?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [.. { Length: 1 or 2 } speaker, var last]
            && string.Concat(speaker) is var name && IsCode(classifier, name, last)) return classifier.Explain(name, last, null);
        // One word is a code if any family knows it as one without its name.
        return code is null && family is null && text is not null && !text.Contains(' ')
            ? classifier.Explain(null, text, null)
            : classifier.Explain(family, code ?? (family is not null && text is not null && !text.Contains(' ') ? text : null), text);
    }

    // Some families give every code a meaning that they do not list. "kafka unavailable" is a sentence nevertheless: a plain word is a code
    // only where its family would not have taken any other word.
    private static bool IsCode(FaultClassifier classifier, string family, string word) => classifier.Classify(family, word) is not null
        && (!word.Skip(1).All(char.IsAsciiLetterLower) || !char.IsAsciiLetter(word[0]) || classifier.Classify(family, "word") is null);

    private static ReadOnlyMemory<byte> Json(ClassificationReport report, bool lineEnd = false) => Write(lineEnd, writer =>
    {
        writer.WriteString("persistence", Lower(report.Persistence.ToString()));
        writer.WriteBoolean("throttling", report.Throttling);
        writer.WriteString("kind", report.Kind.Name());
        writer.WriteString("category", Lower(report.Category.ToString()));
        writer.WriteString("severity", Lower(report.Severity.ToString()));
        writer.WriteString("scope", Lower(report.Scope.ToString()));
        writer.WriteString("applied", Lower(report.Applied.ToString()));
        writer.WriteString("evidence", report.Evidence);
    });

    private static (ReadOnlyMemory<byte>, bool) Error(string what) =>
        (Write(lineEnd: true, writer => writer.WriteString("error", what)), true);

    private static ReadOnlyMemory<byte> Write(bool lineEnd, Action<Utf8JsonWriter> properties)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(buffer, Plain);
        writer.WriteStartObject();
        properties(writer);
        writer.WriteEndObject();
        writer.Flush();
        if (lineEnd) buffer.Write("\n"u8);
        return buffer.WrittenMemory;
    }

    private static string Words(ClassificationReport report)
    {
        var verdict = report.Persistence switch
        {
            Persistence.Transient => "transient: it passes, trying again can help",
            Persistence.Permanent => "permanent: the same call fails again",
            _ => "unknown: a few more tries, then a person",
        };
        var scope = report.Scope switch
        {
            RetryScope.Call => "the same call",
            RetryScope.Transaction => "the whole transaction",
            RetryScope.Reread => "the call, after its input was read again",
            _ => "nothing",
        };
        var applied = report.Applied switch
        {
            Applied.No => "no",
            Applied.Yes => "yes, it has",
            _ => "maybe: repeat it only where that is safe",
        };
        var attempts = RetryDefaults.Library(report.Classification).Attempts;
        (string Label, string Value)[] lines =
        [
            ("kind", report.Kind.Name()),
            ("verdict", verdict),
            ("because of", report.Evidence),
            ("category", Lower(report.Category.ToString())),
            ("severity", $"{Lower(report.Severity.ToString())} (for a service of normal importance)"),
            ("to run again", scope),
            ("may have taken effect", applied),
            ("throttling", report.Throttling ? "yes: the service asks for less load" : "no"),
            ("speaks against", report.Blame switch { Blame.Service => "the service", Blame.Message => "this message", _ =>
                "nobody knows" }),
            ("attempts by default", attempts == 1 ? "1, no retry" : $"{attempts}, the first included"),
        ];
        return string.Join(Environment.NewLine, lines.Select(line => $"{line.Label,-22} {Safe(line.Value)}"));
    }

    // What stands in evidence can come from the text that was typed; it must not steer the terminal.
    private static string Safe(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static string Lower(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    /// <summary>Lines as they come in; null for one that is too long, whose rest is passed over.</summary>
    private static async IAsyncEnumerable<string?> LinesAsync(Stream input, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, Encoding.UTF8, detectEncodingFromByteOrderMarks: true, bufferSize: 16 * 1024,
            leaveOpen: true);
        var buffer = new char[16 * 1024];
        var line = new StringBuilder();
        var tooLong = false;
        int read;
        while ((read = await reader.ReadAsync(buffer, cancellationToken)) > 0)
        {
            for (var start = 0; start < read;)
            {
                var end = Array.IndexOf(buffer, '\n', start, read - start);
                var length = (end < 0 ? read : end) - start;
                if (line.Length + length > LongestLine) tooLong = true;
                else line.Append(buffer, start, length);
                start += length + 1;
                if (end < 0) break;
                yield return tooLong ? null : line.ToString();
                line.Clear();
                tooLong = false;
            }
        }

        if (tooLong || line.Length > 0) yield return tooLong ? null : line.ToString();
    }
}
