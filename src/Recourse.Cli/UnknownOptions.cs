using System.CommandLine;
using System.Globalization;
using Recourse.Server;

namespace Recourse.Cli;

/// <summary>
/// Finds what looks like an option and is none. The parser would take it for an argument, and <c>queues --jsn</c> would look for a queue of
/// that name. Pure.
/// </summary>
internal static class UnknownOptions
{
    /// <summary>A sentence about the first unknown option; null when there is none. What stands behind <c>--</c> is never one.</summary>
    public static string? Find(Command command, IReadOnlyList<string> arguments)
    {
        var known = Chain(command).SelectMany(each => each.Options).ToList();
        var valueDue = false;
        foreach (var argument in arguments.TakeWhile(each => each != "--"))
        {
            var name = argument.Split('=', ':')[0];
            if (known.Find(each => each.Name == name || each.Aliases.Contains(name)) is { } option)
            {
                valueDue = name.Length == argument.Length && option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0;
                continue;
            }
            // The text that an option looks for may begin with a dash; only what begins like a long option is taken for a mistake.
            var isValue = valueDue && !argument.StartsWith("--", StringComparison.Ordinal);
            valueDue = false;
            if (isValue || !LooksLikeOption(argument) || IsBundle(argument, known))
                continue;
            var near = Spelling.Nearest(name.TrimStart('-'), known.Select(each => each.Name.TrimStart('-')));
            return $"'{name}' is no option of '{Examples.PathOf(command)}'."
                + (near is null ? " What is meant as it stands goes behind --." : $" Did you mean '--{near}'?");
        }
        return null;
    }

    private static IEnumerable<Command> Chain(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? Chain(parent).Append(command) : [command];

    private static bool LooksLikeOption(string argument) => argument.Length > 1 && argument[0] == '-'
        && !double.TryParse(argument, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    // -shttp://… is -s with its value.
    private static bool IsBundle(string argument, List<Option> known) =>
        argument[1] != '-' && known.Exists(each => each.Aliases.Contains(argument[..2]));
}
