using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Recourse.Cli.Client;

namespace Recourse.Cli;

/// <summary>Runs one command line: parsing, signals, and what an error looks like to people and to scripts.</summary>
internal static class CommandLine
{
    /// <summary>Runs <paramref name="args"/> and answers with an <see cref="ExitCode"/>; never throws.</summary>
    public static async Task<int> RunAsync(RootCommand root, string[] args)
    {
        Examples.ShowIn(root);
        using var stop = new CancellationTokenSource();
        var stoppedBy = 0;
        void Stop(PosixSignalContext context)
        {
            // The second signal ends the process at once: whoever asks twice does not want to wait for a clean end.
            context.Cancel = Interlocked.CompareExchange(ref stoppedBy, CodeOf(context.Signal), 0) == 0;
            if (context.Cancel) stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        // A terminal that is closed: what was started must not outlive it.
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
        try
        {
            return await InvokeAsync(root, args, stop.Token);
        }
        catch (CliException error)
        {
            return Report(error.Message, error.ExitCode, error.InnerException);
        }
        catch (Exception error) when (stop.IsCancellationRequested && error is (OperationCanceledException or IOException))
        {
            return Report("interrupted.", stoppedBy, null);
        }
        catch (Exception error)
        {
            return Report($"this is a defect of recourse, please report it: {error.GetType().Name}: {error.Message}", ExitCode.Defect,
                error);
        }
    }

    private static int CodeOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGTERM => ExitCode.Terminated,
        PosixSignal.SIGHUP => ExitCode.HungUp,
        _ => ExitCode.Interrupted,
    };

    private static async Task<int> InvokeAsync(RootCommand root, string[] args, CancellationToken cancellationToken)
    {
        var parsed = root.Parse(args);
        var asksForHelp = parsed.CommandResult.Children.Any(child => child is OptionResult { Option: HelpOption });
        // A verb that is not known may have options that only it would have: the verb is what is told then.
        var unknownVerb = parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Any(token => !token.StartsWith('-'));
        if (!asksForHelp && !unknownVerb
            && UnknownOptions.Find(parsed.CommandResult.Command, args) is { } unknown)
        {
            Console.Error.WriteLine($"recourse: {unknown}");
            Console.Error.WriteLine($"Help: {Examples.PathOf(parsed.CommandResult.Command)} --help");
            return ExitCode.Usage;
        }
        if (parsed.Action is not ParseErrorAction)
        {
            ClientKey.Use(parsed);
            RelayTrust.Use(parsed);
            var configuration = new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(configuration, cancellationToken);
        }
        var command = parsed.CommandResult.Command;
        if (command.Action is null && parsed.UnmatchedTokens.Count == 0)
        {
            // A group of verbs without a verb: its help says what there is.
            root.Parse([.. args, "--help"]).Invoke(new() { Output = Console.Error });
            return ExitCode.Usage;
        }
        foreach (var error in parsed.Errors.Select(found => found.Message).Distinct())
            Console.Error.WriteLine($"recourse: {error}");
        // What the library prints beside the errors: names that are spelled nearly like this.
        ((ParseErrorAction)parsed.Action).ShowHelp = false;
        parsed.Invoke(new() { Output = Console.Error, Error = TextWriter.Null });
        Console.Error.WriteLine($"Help: {Examples.PathOf(command)} --help");
        return ExitCode.Usage;
    }

    private static int Report(string message, int exitCode, Exception? cause)
    {
        try
        {
            Console.Error.WriteLine($"recourse: {message}");
            if (cause is not null && Environment.GetEnvironmentVariable("RECOURSE_TRACE") is { Length: > 0 })
                Console.Error.WriteLine(cause);
        }
        catch (IOException)
        {
            // The terminal is gone; the code is all that can still be said.
        }
        return exitCode;
    }
}
