using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse services [isolate|reset|pause|resume NAME]</c>: the services, their breakers, and an operator's verbs.</summary>
internal static class ServicesCommand
{
    public static Command Create()
    {
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("services", "Show the services and their circuit breakers")
        {
            server, json,
            HoldCommand.Create("services", "isolate",
                "Hold a service's breaker open until it is reset, over restarts too: everything for it waits", "isolated"),
            HoldCommand.Create("services", "reset",
                "Close a service's breaker and forget its failures: what waits for it goes at once", "reset"),
            HoldCommand.Create("services", "pause", "Deliver nothing to a service until it is resumed; what is under way ends", "paused"),
            HoldCommand.Create("services", "resume", "Let deliveries to a paused service go on", "resumed"),
        };
        command.SetAction((parsed, cancellationToken) => ListAsync(parsed.GetValue(server)!, parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("Which services are in trouble", "recourse services"),
            ("Stop sending to a service during its maintenance, and begin again",
                "recourse services isolate billing && recourse services reset billing"),
        ]);
    }

    internal static Tone ToneOf(string? breaker) => breaker switch
    {
        "closed" => Tone.Good,
        "half_open" => Tone.Warn,
        null or "" => Tone.None,
        _ => Tone.Bad,
    };

    private static async Task<int> ListAsync(Uri server, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync("v1/services", cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var table = Screen.Table("service", "breaker", "in hand", "waiting", "blocked", "delayed", "dead", "last error");
        foreach (var column in table.Columns.Skip(2).Take(5)) column.RightAligned();
        foreach (var service in relay.Parse(document, RelayJson.Default.ListingServiceAnswer).Items)
        {
            var breaker = service.BreakerNote is { Length: > 0 } note ? $"{service.Breaker}: {note}" : service.Breaker;
            table.Row(service.Paused ? $"{service.Name} (paused)" : service.Name,
                Screen.Toned(breaker ?? "not configured", ToneOf(service.Breaker)),
                $"{service.InFlight} of {service.MaxConcurrent}",
                service.Waiting, Screen.Toned($"{service.Blocked}", service.Blocked > 0 ? Tone.Warn : Tone.None), service.Delayed,
                Screen.Toned($"{service.Dead}", service.Dead > 0 ? Tone.Bad : Tone.None),
                service.LastError is { Length: > 0 } error
                    ? $"{Screen.Shown(error, 100)} ({Screen.Ago(service.LastErrorAt)})" : "");
        }
        Screen.Out.Write(table);
        return ExitCode.Ok;
    }
}
