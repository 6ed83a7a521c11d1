using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary>What an operator holds or lets go, of a queue or a service: the relay keeps it over restarts.</summary>
internal static class HoldCommand
{
    /// <param name="of">queues or services, as the API has it.</param>
    /// <param name="verb">The verb, in the API and on the command line.</param>
    /// <param name="description">What it does.</param>
    /// <param name="done">What is said afterwards.</param>
    public static Command Create(string of, string verb, string description, string done)
    {
        var one = of[..^1];
        var name = new Argument<string>("NAME") { Description = $"The {one}, as the configuration names it" };
        var reason = new Option<string?>("--reason") { Description = "Why; kept and shown while it holds", HelpName = "TEXT" };
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command(verb, description) { name, reason, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var held = parsed.GetValue(name)!;
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var document = await relay.ActAsync(
                $"v1/{of}/{Uri.EscapeDataString(held)}:{verb}", Acts.Because(parsed.GetValue(reason)), cancellationToken);
            if (parsed.GetValue(json)) JsonOutput.Write(document);
            else Screen.Out.WriteLine($"{Screen.Safe(held)}: {done}.");
            return ExitCode.Ok;
        });
        return command.Teach([(description.Split(':', ';')[0], $"recourse {of} {verb} {(of == "queues" ? "orders" : "billing")}")]);
    }
}
