using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Serve;

public class StopTests
{
    [Fact]
    public async Task While_it_stops_new_messages_get_503_until_the_attempts_in_hand_are_over()
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var store = new InMemoryMessageStore();
        var configuration = RelayConfiguration.Parse(TestRelay.Basic).Configuration!;
        await using var relay = await TestRelay.StartAsync(configuration, async (_, _) =>
        {
            began.SetResult();
            await end.Task;
            return DeliveryResult.Delivered();
        }, store, new ManualClock(), grace: TimeSpan.FromMinutes(1));
        var id = Guid.Parse(await relay.AcceptedAsync("orders"));
        await began.Task;

        var stopping = relay.Host.StopAsync(TestContext.Current.CancellationToken);
        await Eventually503Async(relay);
        using (var refused = await relay.PostAsync("orders", "{}"))
        {
            Assert.Equal("urn:recourse:problem:stopping", (await TestRelay.ProblemAsync(refused, 503))["type"]!.GetValue<string>());
            Assert.NotNull(refused.Headers.RetryAfter);
        }
        using (var ready = await relay.SendAsync(HttpMethod.Get, "/health/ready"))
            await TestRelay.ProblemAsync(ready, 503);
        Assert.False(stopping.IsCompleted);

        end.SetResult();
        await stopping;
        Assert.Equal(DeliveryState.Delivered,
            (await store.Queries.MessageAsync(id, TestContext.Current.CancellationToken))!.Deliveries[0].State);
        await Assert.ThrowsAsync<HttpRequestException>(() => relay.PostAsync("orders", "{}"));
    }

    // The stop begins on its own thread.
    private static async Task Eventually503Async(TestRelay relay)
    {
        while (true)
        {
            using var ready = await relay.SendAsync(HttpMethod.Get, "/health/ready");
            if ((int)ready.StatusCode == 503)
                return;
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
