using System.CommandLine;
using Recourse.Cli.Output;
using Recourse.Server;

namespace Recourse.Cli.Client;

/// <summary>The key that every request of this run carries: from a file that is named, else from the environment. Never an argument,
/// which other users of the machine could read in the list of processes.</summary>
internal static class ClientKey
{
    internal const string Variable = "RECOURSE_KEY";
    private const int MaxBytes = 4_096;

    /// <summary>The option of every command.</summary>
    public static Option<string?> File { get; } = new("--key-file")
    {
        Description = $"A file that holds the key for the relay; without it the variable {Variable} counts",
        HelpName = "FILE",
        Recursive = true,
    };

    /// <summary>The key; null when none was given.</summary>
    public static string? Current { get; private set; }

    /// <summary>Takes over what the command line and the environment say.</summary>
    public static void Use(ParseResult parsed)
    {
        var file = parsed.GetValue(File);
        Current = file is not null ? Read(file) : Environment.GetEnvironmentVariable(Variable)?.Trim() is { Length: > 0 } set ? set : null;
        if (Current?.Any(letter => letter is <= ' ' or >= (char)127) == true)
            throw new CliException(ExitCode.Usage,
                $"{(file is null ? Variable : Screen.Safe(file))} holds no key: a key is one word such as rk_….");
    }

    private static string Read(string file)
    {
        try
        {
            if (new FileInfo(file).Length > MaxBytes)
                throw new CliException(ExitCode.Usage, $"{Screen.Safe(file)} is too large to hold a key.");
            return System.IO.File.ReadAllText(file).Trim() is { Length: > 0 } key ? key
                : throw new CliException(ExitCode.Usage, $"{Screen.Safe(file)} is empty; it should hold a key.");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCode.Usage, $"the key in {Screen.Safe(file)} cannot be read: {FileTrouble.Words(error)}.", error);
        }
    }
}
