using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Runtime.CompilerServices;

namespace Recourse.Cli;

/// <summary>Help that teaches: each command carries commands to try and a few sentences, printed below the options.</summary>
internal static class Examples
{
    private static readonly ConditionalWeakTable<Command, Lesson> Lessons = [];

    /// <summary>
    /// Gives a command its examples: what it does, and how it is written. <paramref name="notes"/> are printed below as they stand.
    /// </summary>
    public static T Teach<T>(this T command, (string Does, string Line)[] examples, params string[] notes) where T : Command
    {
        Lessons.Add(command, new(examples, notes));
        return command;
    }

    /// <summary>Makes <c>--help</c> of every command print its examples too.</summary>
    public static void ShowIn(RootCommand root)
    {
        foreach (var option in root.Options.OfType<HelpOption>())
            if (option.Action is HelpAction usual)
                option.Action = new HelpWithExamples(usual);
    }

    /// <summary>A command as it is typed: <c>recourse dlq list</c>.</summary>
    public static string PathOf(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{PathOf(parent)} {command.Name}" : "recourse";

    private sealed record Lesson((string Does, string Line)[] Lines, string[] Notes);

    private sealed class HelpWithExamples(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            var configuration = parseResult.InvocationConfiguration;
            var output = configuration.Output;
            // The library names the program after its file; people type `recourse`.
            using var text = new StringWriter();
            configuration.Output = text;
            var code = usual.Invoke(parseResult);
            configuration.Output = output;
            output.Write(text.ToString().Replace(RootCommand.ExecutableName, "recourse"));
            if (!Lessons.TryGetValue(parseResult.CommandResult.Command, out var lesson)) return code;
            output.WriteLine("Examples:");
            foreach (var (does, line) in lesson.Lines)
            {
                output.WriteLine($"  # {does}");
                output.WriteLine($"  {line}");
            }
            output.WriteLine();
            foreach (var note in lesson.Notes) output.WriteLine(note);
            if (lesson.Notes.Length > 0) output.WriteLine();
            return code;
        }
    }
}
