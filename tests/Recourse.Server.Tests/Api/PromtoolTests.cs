using System.ComponentModel;
using System.Diagnostics;

namespace Recourse.Server.Tests.Api;

public class PromtoolTests
{
    [Fact]
    public async Task Promtool_finds_nothing_wrong_with_the_metrics()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        await relay.AcceptedAsync("orders");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        using var answer = await relay.SendAsync(HttpMethod.Get, "/metrics");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var promtool = Start();
        await promtool.StandardInput.WriteAsync(text);
        promtool.StandardInput.Close();
        var said = await promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(promtool.ExitCode == 0, $"{promtool.ExitCode}: {said}");
    }

    private static Process Start()
    {
        try
        {
            return Process.Start(new ProcessStartInfo("promtool", ["check", "metrics"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("promtool is not installed");
            throw;
        }
    }
}
