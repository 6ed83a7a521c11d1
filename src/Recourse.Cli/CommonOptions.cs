using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Recourse.Cli;

/// <summary>Options that several commands share, so that they are spelled and explained alike.</summary>
internal static class CommonOptions
{
    internal const string ServerVariable = "RECOURSE_SERVER";
    private const string DefaultServer = "http://127.0.0.1:8080";

    /// <summary>Where the relay is.</summary>
    public static Option<Uri?> Server() => new("--server", "-s")
    {
        Description = $"The relay's address; without it the variable {ServerVariable} counts, then {DefaultServer}",
        HelpName = "URL",
        DefaultValueFactory = result =>
            Environment.GetEnvironmentVariable(ServerVariable) is { Length: > 0 } set
                ? ReadServer(result, set, ServerVariable) : new Uri(DefaultServer),
        CustomParser = result => ReadServer(result, result.Tokens[0].Value, "--server"),
    };

    /// <summary>Output for programs.</summary>
    public static Option<bool> Json(string what = "Print the relay's answer as JSON and nothing else on standard output") =>
        new("--json") { Description = what };

    /// <summary>
    /// An option for a duration written <c>500ms</c>, <c>30s</c>, <c>5m</c> or <c>1h</c>, of at least <paramref name="least"/>.
    /// </summary>
    public static DurationOption Duration(string name, string description, TimeSpan byDefault, TimeSpan least = default) =>
        new(name, byDefault)
        {
            Description = $"{description} (default {Write(byDefault)})",
            HelpName = "TIME",
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (!TryReadDuration(text, out var time))
                    result.AddError($"{name} is '{text}'; write a time such as 500ms, 30s, 5m or 1h.");
                else if (time < least) result.AddError($"{name} is '{text}'; it must be at least {Write(least)}.");
                return time;
            },
        };

    /// <summary>
    /// An option for a whole number; anything else, and a number outside <paramref name="least"/> to <paramref name="most"/>, is refused
    /// with a sentence that names the option.
    /// </summary>
    public static Option<long?> Whole(string name, string description, long least, long most) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => ReadWhole(result, name, least, most),
    };

    /// <summary>The same for an option that has a number of its own when it is not given.</summary>
    public static Option<int> Between(this Option<int> option, int least, int most)
    {
        option.CustomParser = result => (int)(ReadWhole(result, option.Name, least, most) ?? least);
        return option;
    }

    private static long? ReadWhole(ArgumentResult result, string name, long least, long most)
    {
        var text = result.Tokens[0].Value;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            result.AddError($"{name} is '{text}'; it must be a whole number.");
        else if (number < least || number > most)
            result.AddError($"{name} is {number}; it must be between {least} and {most}.");
        else return number;
        return null;
    }

    internal static bool TryReadDuration(string text, out TimeSpan time)
    {
        time = default;
        var digits = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (digits <= 0 || !long.TryParse(text.AsSpan(0, digits), out var amount) || amount > 86_400_000) return false;
        long? milliseconds = text[digits..] switch
        {
            "ms" => amount,
            "s" => amount * 1_000,
            "m" => amount * 60_000,
            "h" => amount * 3_600_000,
            _ => null,
        };
        if (milliseconds is null or > 7L * 86_400_000) return false;
        time = TimeSpan.FromMilliseconds(milliseconds.Value);
        return true;
    }

    private static string Write(TimeSpan time) => time < TimeSpan.FromMinutes(2) ? $"{time.TotalSeconds:0}s" : $"{time.TotalMinutes:0}m";

    private static Uri? ReadServer(ArgumentResult result, string text, string source)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var server) && server.Scheme is "http" or "https")
            return server;
        result.AddError($"{source} is '{text}'; it must be an address such as {DefaultServer}.");
        return null;
    }
}

/// <summary>A duration whose default stands in its description: the library would write it as <c>00:03:00</c>.</summary>
internal sealed class DurationOption(string name, TimeSpan byDefault) : Option<TimeSpan>(name)
{
    public TimeSpan Read(ParseResult parsed) => parsed.GetResult(this) is null ? byDefault : parsed.GetValue(this);
}
