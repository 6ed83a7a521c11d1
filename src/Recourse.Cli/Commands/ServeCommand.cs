using System.CommandLine;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Recourse.Durable;
using Recourse.Postgres;
using Recourse.Server;
using Recourse.Sqlite;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse serve</c>: runs the relay until it is told to stop.</summary>
internal static class ServeCommand
{
    private const int QueuesShown = 20;

    public static Command Create()
    {
        var config = new Option<string>("--config", "-c")
        {
            Description = "The configuration (default recourse.yaml)",
            HelpName = "FILE",
            DefaultValueFactory = _ => "recourse.yaml",
        };
        var listen = new Option<string[]>("--listen")
        {
            Description = "Listen here instead of where the configuration says",
            HelpName = "URL"
        };
        var node = new Option<string?>("--node")
        {
            Description = "The name of this node among those that share a database (default the machine's name)",
            HelpName = "NAME",
        };
        var command = new Command("serve", "Run the relay: take messages, keep them, deliver them") { config, listen, node };
        command.SetAction((parsed, cancellationToken) =>
            RunAsync(parsed.GetValue(config)!, parsed.GetValue(listen) ?? [], parsed.GetValue(node), cancellationToken));
        return command.Teach(
        [
            ("Run with recourse.yaml of this folder", "recourse serve"),
            ("Check the configuration first", "recourse config check recourse.yaml && recourse serve"),
            ("Take a free port; the first lines say which", "recourse serve --listen http://127.0.0.1:0"),
        ], "Ctrl-C or SIGTERM refuses new messages with 503, waits for attempts under way up to shutdown_grace (default 10s), "
            + "gives the rest back, and ends with 0;" + Environment.NewLine
            + "a second one ends at once. What was taken is on disk either way. A changed configuration is read again by itself."
            + Environment.NewLine
            + "Exit codes: 0 stopped as asked, 2 the configuration, the store or the address cannot be used.");
    }

    private static async Task<int> RunAsync(string file, string[] listen, string? node, CancellationToken cancellationToken)
    {
        var configuration = Load(file, listen);
        await using var host = await StartAsync(configuration, node, cancellationToken);
        Console.Out.WriteLine(Describe(configuration, host.Addresses));
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellationToken.UnsafeRegister(_ => asked.TrySetResult(), null))
            await asked.Task;
        await host.StopAsync(CancellationToken.None);
        return ExitCode.Ok;
    }

    private static RelayConfiguration Load(string file, string[] listen)
    {
        var loaded = RelayConfiguration.Load(file);
        foreach (var warning in loaded.Warnings)
            Console.Error.WriteLine($"warning: {warning}");
        foreach (var error in loaded.Errors)
            Console.Error.WriteLine(error);
        if (loaded.Configuration is not { } configuration)
            throw new CliException(ExitCode.Usage, loaded.Errors.Count == 1
                ? "the configuration is wrong; see the line above."
                    : $"the configuration is wrong in {loaded.Errors.Count} places; see the lines above.");
        var addresses = new List<Uri>();
        foreach (var text in listen)
        {
            var (address, problem) = ListenAddress.Parse(text);
            addresses.Add(address ?? throw new CliException(ExitCode.Usage, $"--listen {problem}"));
        }
        if (addresses.Exists(address => address.Scheme == "https") && configuration.Tls is null)
            throw new CliException(ExitCode.Usage, "--listen with https needs tls: { certificate: FILE, key: FILE } in the configuration.");
        return addresses.Count == 0 ? configuration : configuration with { Listen = addresses };
    }

    private static async Task<RelayHost> StartAsync(RelayConfiguration configuration, string? node, CancellationToken cancellationToken)
    {
        MessageStore Open(string store, TimeProvider time) => OpenStore(store, configuration.Durability, time);
        var options = new RelayOptions { Configuration = configuration, OpenStore = Open, OnRest = GiveMemoryBack };
        if (node is { Length: 0 or > 64 })
            throw new CliException(ExitCode.Usage, $"--node has {node.Length} characters; it must have 1 to 64.");
        try
        {
            return await RelayHost.StartAsync(node is null ? options : options with { Node = node }, Logging, cancellationToken);
        }
        catch (UnlockedDoorException error)
        {
            throw new CliException(ExitCode.Usage, error.Message, error);
        }
        catch (StoreException error)
        {
            throw new CliException(ExitCode.Usage, $"the store {StoreName.Shown(configuration.Store)} cannot be used: {error.Message}",
                error);
        }
        catch (Exception error) when (Innermost(error) is AddressInUseException
                                      or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
        {
            throw new CliException(ExitCode.Usage, $"{Shown(configuration.Listen)} is taken by another program. "
                + "Stop that one, or listen elsewhere with listen: or --listen (port 0 takes a free one).", error);
        }
        catch (Exception error) when (Innermost(error) is SocketException socket)
        {
            throw new CliException(ExitCode.Usage, $"cannot listen on {Shown(configuration.Listen)}: {socket.Message}.", error);
        }
    }

    // A burst leaves a heap that nothing asks back. This stops all threads for some tens of milliseconds; at rest nobody waits.
    private static void GiveMemoryBack() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);

    internal static MessageStore OpenStore(string store, StoreDurability durability, TimeProvider time)
    {
        if (store.StartsWith("sqlite:", StringComparison.Ordinal))
            return new SqliteMessageStore(new SqliteStoreOptions { Path = store["sqlite:".Length..], Durability = durability }, time);
        if (store == "memory:")
            return new InMemoryMessageStore(time);
        return Postgres(store);
    }

    private static PostgresMessageStore Postgres(string address)
    {
        try
        {
            return new(address);
        }
        catch (ArgumentException error)
        {
            throw new StoreException(error.Message, StoreProblem.Other, error);
        }
    }

    private static void Logging(ILoggingBuilder logging)
    {
        // Standard output has the block of lines that says where the relay is; the log goes to the other stream.
        logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.IncludeScopes = false;
            console.TimestampFormat = "HH:mm:ss ";
            console.ColorBehavior = Console.IsErrorRedirected ? LoggerColorBehavior.Disabled : LoggerColorBehavior.Default;
        });
        logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
    }

    private static string Describe(RelayConfiguration configuration, IReadOnlyList<Uri> addresses)
    {
        var lines = new List<string> { $"Recourse {RelayVersion.Text}" };
        lines.AddRange(addresses.Select((address, index) => (index == 0 ? "  listens    " : "             ")
            + address.GetLeftPart(UriPartial.Authority)));
        lines.Add($"  dashboard  {addresses[0]}");
        lines.Add($"  store      {StoreName.Shown(configuration.Store)}"
            + (configuration.Durability is StoreDurability.Os ? " (durability: os; a power cut may lose the last messages)" : ""));
        var queues = configuration.Queues.Values.OrderBy(queue => queue.Name, StringComparer.Ordinal).ToList();
        lines.AddRange(queues.Take(QueuesShown).Select((queue, index) =>
            (index == 0 ? "  queues     " : "             ")
                + $"{queue.Name} → {string.Join(", ", queue.DeliverTo)}{(queue.Ordered ? " (ordered)" : "")}"));
        if (queues.Count == 0)
            lines.Add("  queues     none");
        if (queues.Count > QueuesShown)
            lines.Add($"             … and {queues.Count - QueuesShown} more");
        lines.Add($"  Ctrl-C stops; attempts under way have {configuration.ShutdownGrace.TotalSeconds:0.#} s to end.");
        return string.Join(Environment.NewLine, lines);
    }

    private static string Shown(IReadOnlyList<Uri> addresses) =>
        string.Join(", ", addresses.Select(address => address.GetLeftPart(UriPartial.Authority)));

    private static Exception Innermost(Exception error)
    {
        while (error.InnerException is { } inner)
            error = inner;
        return error;
    }
}
