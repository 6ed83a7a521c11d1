using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Recourse.Server.Tests.Configuration;

namespace Recourse.Server.Tests.Serve;

/// <summary>The command as a process of its own, as a user runs it.</summary>
public class ServeCommandTests
{
    private const string Yaml =
        "listen: http://127.0.0.1:0\nservices: { s: { url: 'http://127.0.0.1:9/' } }\nqueues: { orders: { deliver_to: s } }\n";

    [Fact]
    public async Task It_says_where_it_is_takes_messages_and_stops_when_told()
    {
        using var folder = new Folder();
        var file = folder.Write("recourse.yaml", Yaml);
        string id;
        using (var process = Start("serve", "--config", file))
        {
            var address = await AddressAsync(process);
            using var http = new HttpClient { BaseAddress = address };
            using var answer = await http.PostAsync("v1/queues/orders/messages", new ByteArrayContent([1, 2, 3]),
                TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
            id = (await TestRelay.JsonAsync(answer))["id"]!.GetValue<string>();
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString()]);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, process.ExitCode);
        }
        Assert.True(File.Exists(folder.Path("recourse.db")));
        using (var again = Start("serve", "--config", file))
        {
            using var http = new HttpClient { BaseAddress = await AddressAsync(again) };
            var message = await http.GetStringAsync($"v1/messages/{id}", TestContext.Current.CancellationToken);
            Assert.Contains("\"queue\":\"orders\"", message, StringComparison.Ordinal);
            again.Kill();
        }
    }

    [Fact]
    public async Task A_store_that_another_process_owns_is_one_clear_sentence()
    {
        using var folder = new Folder();
        var file = folder.Write("recourse.yaml", Yaml);
        using var first = Start("serve", "--config", file);
        await AddressAsync(first);
        await RefusedAsync("recourse.db", "serve", "--config", file);
        first.Kill();
    }

    [Fact]
    public async Task A_port_that_is_taken_is_one_clear_sentence()
    {
        using var folder = new Folder();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        await RefusedAsync("is taken by another program", "serve", "--config", folder.Write("recourse.yaml", Yaml), "--listen",
            $"http://127.0.0.1:{port}");
        Assert.False(File.Exists(folder.Path("recourse.db")));
    }

    [Fact]
    public async Task An_open_address_without_a_key_is_refused_and_leaves_no_store_behind()
    {
        using var folder = new Folder();
        await RefusedAsync("no key was made yet", "serve", "--config", folder.Write("recourse.yaml", Yaml), "--listen",
            "http://0.0.0.0:0");
        Assert.Equal(["recourse.yaml"], Directory.GetFiles(Path.GetDirectoryName(folder.Path("x"))!).Select(Path.GetFileName));
    }

    [Fact]
    public async Task What_cannot_be_served_is_refused_with_code_2()
    {
        using var folder = new Folder();
        await RefusedAsync("does not exist", "serve", "--config", folder.Path("none.yaml"));
        await RefusedAsync(":1:1: Unknown key 'verson'", "serve", "--config", folder.Write("a.yaml", "verson: 1"));
        await RefusedAsync("keys", "serve", "--config", folder.Write("b.yaml", Yaml), "--listen", "http://0.0.0.0:0");
        await RefusedAsync("can be reached", "serve", "--config",
            folder.Write("c.yaml", "store: postgres://u:pw@127.0.0.1:1/d\n" + Yaml));
        await RefusedAsync("no host or no database", "serve", "--config", folder.Write("f.yaml", "store: postgres://u:pw@h\n" + Yaml));
        await RefusedAsync("cannot be used", "serve", "--config", folder.Write("d.yaml", "store: sqlite:no/such/folder/x.db\n" + Yaml));
        if (OperatingSystem.IsLinux())
            await RefusedAsync("no file can be made", "serve", "--config", folder.Write("e.yaml", "store: sqlite:/proc/x.db\n" + Yaml));
    }

    [Theory]
    [InlineData("version: 1", 0)]
    [InlineData("verson: 1", 1)]
    [InlineData(null, 2)]
    public async Task Config_check_tells_scripts_by_its_code(string? yaml, int code)
    {
        using var folder = new Folder();
        var file = yaml is null ? folder.Path("none.yaml") : folder.Write("recourse.yaml", yaml);
        var (found, output, _) = await RunAsync("config", "check", file, "--json");
        Assert.Equal(code, found);
        Assert.Equal(code == 0, System.Text.Json.Nodes.JsonNode.Parse(output)!["valid"]!.GetValue<bool>());
    }

    private static async Task RefusedAsync(string part, params string[] arguments)
    {
        var (code, _, error) = await RunAsync(arguments);
        Assert.True(code == 2, $"{code}: {error}");
        Assert.Contains(part, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        Assert.DoesNotContain(":pw@", error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error);
    }

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo("dotnet",
        [Path.Combine(AppContext.BaseDirectory, "Recourse.Cli.dll"), .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true
    })!;

    private static async Task<Uri> AddressAsync(Process process)
    {
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Trim().StartsWith("listens", StringComparison.Ordinal))
                return new(line.Trim()["listens".Length..].Trim());
        }
        throw new InvalidOperationException(await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
    }
}
