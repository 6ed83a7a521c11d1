using System.CommandLine;
using System.Globalization;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Recourse.Durable;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse keys add|list|remove</c>: who may do what with a relay.</summary>
internal static class KeysCommand
{
    private static readonly string[] RoleNames = [.. Enum.GetValues<Role>().Select(role => role.Name())];

    public static Command Create() => new Command("keys", "Say who may do what: make, list and take away keys") { Add(), List(), Remove() }
        .Teach(
        [
            ("Lock the door of a relay that runs here", "recourse keys add --role admin --name alice > alice.key"),
            ("The first key of a relay that does not run yet",
                "recourse keys add --role admin --name alice --config recourse.yaml > alice.key"),
            ("Use it", "recourse queues --key-file alice.key"),
        ], "Roles: producer sends messages and sees nothing; viewer sees all but payloads; operator sees payloads and acts; "
            + "admin does everything." + Environment.NewLine
            + "Without any key, whoever works on the relay's machine may do everything, and nobody else reaches it.");

    private static Command Add()
    {
        var role = new Option<string>("--role") { Description = "producer, viewer, operator or admin", HelpName = "ROLE", Required = true };
        role.AcceptOnlyFromAmong(RoleNames);
        var name = new Option<string?>("--name")
        {
            Description = "Who uses it: the actor of all that is done with it; without it the role and an id",
            HelpName = "NAME",
        };
        var expires = new Option<string?>("--expires")
        {
            Description = "How long it counts, such as 12h or 90d; without it for ever",
            HelpName = "TIME",
        };
        var config = new Option<string?>("--config", "-c")
        {
            Description = "Write it into the store of this configuration, while no relay has that open",
            HelpName = "FILE",
        };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json("Print the key as one JSON document"));
        var command = new Command("add", "Make a key; its secret is printed once, on standard output")
        {
            role, name, expires, config, server, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var asked = new NewKeyBody(parsed.GetValue(role)!, parsed.GetValue(name), Seconds(parsed.GetValue(expires)));
            var made = parsed.GetValue(config) is { } file
                ? await KeyFile.AddAsync(file, asked, cancellationToken)
                : await RemoteAsync(parsed.GetValue(server)!, asked, cancellationToken);
            if (parsed.GetValue(json))
                JsonOutput.Write(made, RelayJson.Default.NewKeyAnswer);
            else
            {
                Console.Out.WriteLine(made.Secret);
                Console.Error.WriteLine($"The key of '{made.Name}' ({made.Role}){(made.ExpiresAt is { } end ? $", until {end:u}" : "")}. "
                    + "It is shown this once: only its hash is kept.");
            }
            return ExitCode.Ok;
        });
        return command.Teach(
        [
            ("For a service that sends messages", "recourse keys add --role producer --name shop > shop.key"),
            ("For a colleague, for a quarter", "recourse keys add --role operator --name bob --expires 90d"),
        ], "The first key must be an admin's. From then on every call needs a key.");
    }

    private static async Task<NewKeyAnswer> RemoteAsync(Uri server, NewKeyBody asked, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ActAsync("v1/keys", asked, RelayJson.Default.NewKeyBody, cancellationToken);
        return relay.Parse(document, RelayJson.Default.NewKeyAnswer);
    }

    private static double? Seconds(string? text)
    {
        if (text is null)
            return null;
        if (text is [.. var number, 'd'] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var days)
            && days is >= 1 and <= 3_650)
            return days * 86_400d;
        return CommonOptions.TryReadDuration(text, out var time) && time >= TimeSpan.FromMinutes(1) ? time.TotalSeconds
            : throw new CliException(
                ExitCode.Usage, $"--expires is '{Screen.Safe(text)}'; write a time from 1m to 3650d such as 12h or 90d.");
    }

    private static Command List()
    {
        var config = new Option<string?>("--config", "-c")
        {
            Description = "Read them from the store's file of this configuration, whether a relay runs on it or not",
            HelpName = "FILE",
        };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("list", "List the keys, without their secrets") { config, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(config) is { } file)
            {
                var found = await KeyFile.ListAsync(file, cancellationToken);
                if (parsed.GetValue(json))
                    JsonOutput.Write(found, RelayJson.Default.ListingKeyAnswer);
                else
                    Write(found.Items);
                return ExitCode.Ok;
            }
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var document = await relay.ReadAsync("v1/keys", cancellationToken);
            if (parsed.GetValue(json))
                JsonOutput.Write(document);
            else
                Write(relay.Parse(document, RelayJson.Default.ListingKeyAnswer).Items);
            return ExitCode.Ok;
        });
        return command.Teach(
        [
            ("Who may do what", "recourse keys list"),
            ("When nobody has an admin's key any more", "recourse keys list --config recourse.yaml"),
        ]);
    }

    private static void Write(IReadOnlyList<KeyAnswer> keys)
    {
        if (keys.Count == 0)
        {
            Console.Out.WriteLine("No key was made yet: whoever works on the relay's machine may do everything.");
            return;
        }
        var table = Screen.Table("name", "role", "id", "made", "by", "ends", "sessions");
        foreach (var key in keys)
        {
            table.Row(key.Name, key.Role, key.Id, Screen.Ago(key.CreatedAt), key.CreatedBy,
                key.Expired ? Screen.Toned("over", Tone.Bad) : key.ExpiresAt is { } end ? $"{end.UtcDateTime:yyyy-MM-dd HH:mm} UTC"
                    : "never",
                key.Sessions);
        }
        Screen.Out.Write(table);
    }

    private static Command Remove()
    {
        var name = new Argument<string>("NAME") { Description = "The key's name, or its id" };
        var server = CommonOptions.Server();
        var command = new Command("remove", "Take a key away: it, and the sessions begun with it, count for nothing at once")
        {
            name, server,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var gone = parsed.GetValue(name)!;
            using var answer = await relay.SendAsync(
                () => new(HttpMethod.Delete, $"v1/keys/{Uri.EscapeDataString(gone)}"), cancellationToken);
            await relay.ThrowIfRefusedAsync(answer, cancellationToken);
            Console.Out.WriteLine($"{Screen.Safe(gone)}: removed.");
            return ExitCode.Ok;
        });
        return command.Teach([("Somebody leaves", "recourse keys remove bob")], "The last admin's key stays while there are others.");
    }
}
