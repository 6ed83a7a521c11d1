using Spectre.Console;
using Spectre.Console.Rendering;

namespace Recourse.Cli.Output;

/// <summary>
/// The two streams of the terminal. Results go to <see cref="Out"/>, progress and questions to <see cref="Progress"/>, so that a redirected
/// standard output holds results only. Without a terminal there are no colours, no frames and no cursor movements; <c>NO_COLOR</c> removes
/// colours.
/// </summary>
internal static class Screen
{
    // Wide enough that a table in a file or a pipe is never wrapped or cut by a width that nobody sees.
    private const int RedirectedWidth = 32_000;

    public static IAnsiConsole Out { get; } = Create(Console.Out, Console.IsOutputRedirected);
    public static IAnsiConsole Progress { get; } = Create(Console.Error, Console.IsErrorRedirected);

    /// <summary>Progress can be drawn in place: standard error is a terminal that can move its cursor.</summary>
    public static bool IsLive { get; } = !Console.IsErrorRedirected && !IsDumb;

    /// <summary>A person can be asked.</summary>
    public static bool CanAsk { get; } = !Console.IsInputRedirected && !Console.IsErrorRedirected;

    private static bool IsDumb => Environment.GetEnvironmentVariable("TERM") is "dumb" or null or "";

    /// <summary>
    /// Text of others (errors of services, names) made safe for a terminal: control characters shown, nothing read as markup.
    /// </summary>
    public static string Safe(string? text, int most = int.MaxValue)
    {
        if (string.IsNullOrEmpty(text)) return "";
        var line = string.Create(text.Length, text, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });
        return line.Length <= most ? line : string.Concat(line.AsSpan(0, most - 1), "…");
    }

    /// <summary>Safe text, shortened where a person reads it on a terminal; a file or a pipe gets all of it.</summary>
    public static string Shown(string? text, int most) => Safe(text, Console.IsOutputRedirected ? int.MaxValue : most);

    /// <summary>A number with its noun: <c>1 line</c>, <c>2 lines</c>.</summary>
    public static string Counted(long number, string one, string many) => $"{number:N0} {(number == 1 ? one : many)}";

    /// <summary>A table whose cells are plain text; frames only where a person looks.</summary>
    public static Table Table(params string[] headings)
    {
        var table = new Table { Border = Console.IsOutputRedirected ? TableBorder.None : TableBorder.Rounded };
        foreach (var heading in headings)
        {
            var bold = new Spectre.Console.Text(heading, new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(bold) { NoWrap = heading is not ("error" or "last error") });
        }
        return table;
    }

    /// <summary>Adds a row of plain cells; a number is set to the right by its width alone in plain output.</summary>
    public static void Row(this Table table, params object?[] cells) =>
        table.AddRow(cells.Select(cell => cell as IRenderable ?? new Spectre.Console.Text(Safe(cell?.ToString()))));

    /// <summary>A word in a colour that says how things are; the word alone carries the meaning.</summary>
    public static Spectre.Console.Text Toned(string word, Tone tone) => new(Safe(word), tone switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Warn => new Style(Color.Yellow),
        Tone.Bad => new Style(Color.Red),
        _ => Style.Plain,
    });

    /// <summary>A time span as people say it: <c>3s</c>, <c>4m</c>, <c>5h</c>, <c>6d</c>.</summary>
    public static string Age(double? seconds) => seconds switch
    {
        null => "",
        < 1 => "0s",
        60 => "1m",
        < 120 => $"{seconds:0}s",
        3600 => "1h",
        < 7200 => $"{seconds / 60:0}m",
        86_400 => "1d",
        < 172_800 => $"{seconds / 3600:0}h",
        _ => $"{seconds / 86_400:0}d",
    };

    /// <summary>How long ago something was, by this machine's clock.</summary>
    public static string Ago(DateTimeOffset? time) =>
        time is null ? "" : $"{Age(Math.Max(0, (TimeProvider.System.GetUtcNow() - time.Value).TotalSeconds))} ago";

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        var plain = redirected || IsDumb;
        var colourless = plain || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 };
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = plain ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = colourless ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Out = new AnsiConsoleOutput(writer),
        });
        if (plain) console.Profile.Width = RedirectedWidth;
        return console;
    }
}

/// <summary>How things are, for colours.</summary>
internal enum Tone
{
    None,
    Good,
    Warn,
    Bad,
}
