using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Recourse.Cli.Demo;

namespace Recourse.Server.Tests;

/// <summary>What an attempt that met no service says, as a person reads it of the relay.</summary>
public sealed class DeliveryFaultTests
{
    private static async Task<JsonNode> AttemptAsync(string url)
    {
        var yaml = TestRelay.Basic.Replace("shop: { url: \"http://127.0.0.1:9/\" }", $"shop: {{ url: \"{url}\" }}",
            StringComparison.Ordinal);
        var loaded = RelayConfiguration.Parse(yaml);
        Assert.Empty(loaded.Errors);
        var host = await RelayHost.StartAsync(new()
        {
            Configuration = loaded.Configuration! with { ShutdownGrace = default },
            OpenStore = (_, time) => new Durable.InMemoryMessageStore(time),
        });
        await using var relay = TestRelay.Of(host);
        var id = await relay.AcceptedAsync("orders");
        var message = await relay.UntilAsync($"/v1/messages/{id}", found => found["deliveries"]![0]!["attempts"]!.AsArray().Count > 0);
        var attempt = message["deliveries"]![0]!["attempts"]![0]!;
        Assert.DoesNotContain("inner exception", attempt["error"]!.GetValue<string>(), StringComparison.Ordinal);
        return attempt;
    }

    private static void Is(JsonNode attempt, string kind, string words)
    {
        Assert.Equal(kind, attempt["kind"]!.GetValue<string>());
        Assert.StartsWith(words, attempt["error"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_is_not_known_is_named() =>
        Is(await AttemptAsync("http://nosuchhost.invalid/"), "dns_resolution", "The name cannot be resolved: ");

    [Fact]
    public async Task A_certificate_that_does_not_count_is_named()
    {
        await using var server = new ScriptedServer((_, _, _) => Task.CompletedTask, tls: true);
        Is(await AttemptAsync(server.Url.ToString()), "tls_failure", "TLS failed: The remote certificate is invalid");
    }

    [Fact]
    public async Task A_door_that_speaks_no_TLS_is_named()
    {
        // It speaks first, as mail and shell servers do.
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync();
        Is(await AttemptAsync($"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"), "tls_failure", "TLS failed: ");
        await serving;

        async Task ServeAsync()
        {
            using var client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            await client.GetStream().WriteAsync("SSH-2.0-OpenSSH_9.2\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            await client.GetStream().CopyToAsync(Stream.Null, TestContext.Current.CancellationToken); // Until the other side has gone.
        }
    }

    [Fact]
    public async Task A_refused_connection_says_where()
    {
        var port = LoopbackPort.Free();
        Is(await AttemptAsync($"http://127.0.0.1:{port}/"), "connection_refused", $"Connection refused (127.0.0.1:{port})");
    }
}
