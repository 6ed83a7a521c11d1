using System.Text.Json.Nodes;
using Recourse.Server.Tests.Cli;

namespace Recourse.Server.Tests;

/// <summary>The sample does what its README says.</summary>
public sealed class RelaySampleTests
{
    private static readonly string Root = RepositoryRoot();

    [Fact]
    public async Task The_check_prints_what_the_readme_shows()
    {
        var run = await CliProcess.RunAsync("config", "check", Path.Combine(Root, "samples/relay/recourse.yaml"));
        Assert.Equal(0, run.ExitCode);
        var shown = run.Out.Trim().Replace(Root + "/samples/relay/recourse.yaml is", "samples/relay/recourse.yaml is").Replace(Root, "/…");
        var page = Path.Combine(Root, "samples/relay/README.md");
        Assert.Contains(shown, await File.ReadAllTextAsync(page, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Its_orders_are_accepted_known_and_refused_as_the_readme_says()
    {
        var loaded = RelayConfiguration.Load(Path.Combine(Root, "samples/relay/recourse.yaml"));
        Assert.Empty(loaded.Errors);
        Assert.Empty(loaded.Warnings);
        await using var relay = await TestRelay.StartAsync(loaded.Configuration! with { Listen = [new("http://127.0.0.1:0")] });
        var orders = await File.ReadAllTextAsync(Path.Combine(Root, "samples/relay/orders.ndjson"), TestContext.Current.CancellationToken);

        using var answer = await relay.SendAsync(
            HttpMethod.Post, "/v1/queues/orders/messages:batch", orders, "application/vnd.recourse+ndjson");

        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal([202, 202, 202, 422], lines.Select(line => line["status"]!.GetValue<int>()));
        Assert.Equal([false, false, true], lines.Take(3).Select(line => line["duplicate"]!.GetValue<bool>()));
        Assert.Equal(lines[0]["id"]!.GetValue<string>(), lines[2]["id"]!.GetValue<string>());
    }

    private static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Recourse.slnx")))
            folder = folder.Parent!;
        return folder.FullName;
    }
}
