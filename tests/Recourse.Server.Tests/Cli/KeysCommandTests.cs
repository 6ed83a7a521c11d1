using System.Text.Json.Nodes;
using Recourse.Cli;
using Recourse.Cli.Demo;
using Recourse.Server.Tests.Configuration;

namespace Recourse.Server.Tests.Cli;

/// <summary>Keys from the command line, against a relay as a process: the first one into the store, the others over HTTP.</summary>
public sealed class KeysCommandTests
{
    [Fact]
    public async Task Keys_are_made_used_listed_and_removed_and_the_audit_tells()
    {
        using var folder = new Folder();
        var address = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}");
        var config = folder.Write("recourse.yaml", $$"""
            listen: {{address}}
            store: sqlite:keys.db
            services: { shop: { url: "http://127.0.0.1:9/" } }
            queues: { orders: { deliver_to: shop } }
            """);
        var needsAdmin = await CliProcess.RunAsync("keys", "add", "--role", "viewer", "--config", config);
        Assert.Equal(ExitCode.Conflict, needsAdmin.ExitCode);
        var first = await CliProcess.RunAsync("keys", "add", "--role", "admin", "--name", "alice", "--config", config);
        Assert.Equal(ExitCode.Ok, first.ExitCode);
        var file = folder.Write("alice.key", first.Out);

        await using var relay = new RelayProcess(config, address, TimeProvider.System, CliProcess.Path);
        await relay.StartAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        string[] to = ["--server", address.ToString()];
        var closed = await CliProcess.RunAsync(["queues", .. to]);
        Assert.Equal(ExitCode.Failed, closed.ExitCode);
        Assert.Contains("RECOURSE_KEY", closed.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, (await CliProcess.RunAsync(["queues", "--key-file", file, .. to])).ExitCode);

        var made = await CliProcess.RunAsync(["keys", "add", "--role", "producer", "--name", "till", "--expires", "90d", "--key-file",
            file, .. to]);
        Assert.Equal(ExitCode.Ok, made.ExitCode);
        Assert.Matches("^rk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\\s*$", made.Out);
        var till = new Dictionary<string, string> { ["RECOURSE_KEY"] = made.Out.Trim() };
        Assert.Equal(ExitCode.Ok, (await CliProcess.RunAsync("{}", ["send", "orders", .. to], till)).ExitCode);
        var sees = await CliProcess.RunAsync("", ["queues", .. to], till);
        Assert.Contains("needs viewer", sees.Error, StringComparison.Ordinal);

        Assert.Contains("till", (await CliProcess.RunAsync(["keys", "list", "--key-file", file, .. to])).Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, (await CliProcess.RunAsync(["keys", "remove", "till", "--key-file", file, .. to])).ExitCode);
        Assert.Equal(ExitCode.Failed, (await CliProcess.RunAsync("{}", ["send", "orders", .. to], till)).ExitCode);
        var lines = (await CliProcess.RunAsync(["audit", "--export", "--verb", "key.remove", "--key-file", file, .. to])).Out;
        Assert.Equal(("alice", "key/till"), (JsonNode.Parse(lines)!["actor"]!.GetValue<string>(),
            JsonNode.Parse(lines)!["target"]!.GetValue<string>()));
        Assert.Contains("key.add", (await CliProcess.RunAsync(["audit", "--key-file", file, .. to])).Out, StringComparison.Ordinal);

        var missing = await CliProcess.RunAsync(["keys", "remove", "nobody", "--key-file", file, .. to]);
        Assert.Contains("There are: alice.", missing.Error, StringComparison.Ordinal);

        // Beside the relay, and by whoever may read the file.
        var read = await CliProcess.RunAsync("keys", "list", "--config", config);
        Assert.True(read.ExitCode == ExitCode.Ok, read.Error);
        Assert.Contains("alice", read.Out, StringComparison.Ordinal);
        var listed = JsonNode.Parse((await CliProcess.RunAsync("keys", "list", "--config", config, "--json")).Out)!["items"]!.AsArray();
        Assert.Equal(("alice", "admin", false), (listed.Single()!["name"]!.GetValue<string>(),
            listed[0]!["role"]!.GetValue<string>(), listed[0]!["expired"]!.GetValue<bool>()));

        var held = await CliProcess.RunAsync("keys", "add", "--role", "viewer", "--config", config);
        Assert.Equal(ExitCode.Conflict, held.ExitCode);
    }

    [Fact]
    public async Task Keys_of_what_is_no_file_are_asked_of_a_relay()
    {
        using var folder = new Folder();
        var config = folder.Write("recourse.yaml",
            "store: postgres://me:hidden@127.0.0.1:1/db\nservices: { shop: { url: \"http://a/\" } }");
        var elsewhere = await CliProcess.RunAsync("keys", "list", "--config", config);
        Assert.Equal(ExitCode.Usage, elsewhere.ExitCode);
        Assert.Contains("--server", elsewhere.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", elsewhere.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_cannot_be_read_is_told_before_anything_is_sent()
    {
        var missing = await CliProcess.RunAsync("queues", "--key-file", "/nowhere/at/all");
        Assert.Equal(ExitCode.Usage, missing.ExitCode);
        Assert.Contains("cannot be read", missing.Error, StringComparison.Ordinal);
        var words = await CliProcess.RunAsync("", ["queues"], new Dictionary<string, string> { ["RECOURSE_KEY"] = "two words" });
        Assert.Equal(ExitCode.Usage, words.ExitCode);
    }
}
