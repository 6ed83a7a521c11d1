using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Recourse.Server.Tests.Configuration;

namespace Recourse.Server.Tests.Serve;

public class ReloadTests
{
    [Fact]
    public async Task A_changed_file_counts_and_a_wrong_one_changes_nothing()
    {
        using var folder = new Folder();
        var file = folder.Write("recourse.yaml", TestRelay.Basic);
        await using var relay = await TestRelay.StartAsync(RelayConfiguration.Load(file).Configuration!);
        using (await relay.SendAsync(HttpMethod.Post, "/v1/services/shop:isolate"))
        {
            // Isolated before the reload: the state of a breaker must live through it.
        }
        await relay.AcceptedAsync("both");
        var watcher = relay.Host.Services.GetServices<IHostedService>().OfType<ConfigurationWatcher>().Single();

        folder.Write("recourse.yaml", TestRelay.Basic.Replace("both:", "more:", StringComparison.Ordinal));
        await watcher.ReloadAsync();
        await relay.AcceptedAsync("more");
        using (var gone = await relay.PostAsync("both", "{}"))
            await TestRelay.ProblemAsync(gone, 404);
        Assert.True((await relay.GetAsync("/v1/queues/both"))["draining"]!.GetValue<bool>());
        Assert.Equal("isolated", (await relay.GetAsync("/v1/services/shop"))["breaker"]!.GetValue<string>());

        folder.Write("recourse.yaml", "queues: [");
        await watcher.ReloadAsync();
        await relay.AcceptedAsync("more");
    }

    [Fact]
    public async Task A_file_is_read_again_by_itself_when_it_changes()
    {
        using var folder = new Folder();
        var file = folder.Write("recourse.yaml", TestRelay.Basic);
        await using var relay = await TestRelay.StartAsync(RelayConfiguration.Load(file).Configuration!);
        folder.Write("recourse.yaml", TestRelay.Basic.Replace("both:", "more:", StringComparison.Ordinal));
        var queues = await relay.UntilAsync("/v1/queues", found =>
            found["items"]!.AsArray().Any(item => item!["name"]!.GetValue<string>() == "more"));
        Assert.DoesNotContain("both", queues["items"]!.AsArray().Select(item => item!["name"]!.GetValue<string>()));
    }
}
