namespace Recourse.Durable.Tests;

/// <summary>Payloads that another node sealed with a key which this node does not have (yet).</summary>
public class MissingKeyTests
{
    private static PayloadKey Key(string id, byte fill) => new(id, Enumerable.Repeat(fill, 32).ToArray());

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_this_node_has_no_key_for_goes_back_as_it_was_and_the_rest_is_delivered(bool suspect)
    {
        InMemoryMessageStore inner = null!;
        await using var rig = new DispatchRig(
            clock => new EncryptedMessageStore(inner = new InMemoryMessageStore(clock), [Key("k1", 1)], clock), options => options);
        var other = new EncryptedMessageStore(inner, [Key("k2", 2)], rig.Clock);
        var message = new NewMessage { Queue = "incoming", Body = "{}"u8.ToArray(), Services = ["orders"] };
        var id = new DeliveryId((await other.CommitAsync(new EnqueueCommand(message), TestContext.Current.CancellationToken)).MessageId, 0);
        if (suspect)
            await inner.CommitAsync(new ClaimCommand("orders", 1, "earlier"), TestContext.Current.CancellationToken);
        await rig.Store.OpenAsync(TestContext.Current.CancellationToken);
        rig.Start(suspect ? 1 : 0);

        Assert.Contains("the key 'k2', which is not given", (await rig.LoggedAsync(1)).Text, StringComparison.Ordinal);
        await rig.NoCallAsync();
        var counted = suspect ? 1 : 0;
        Assert.Equal((DeliveryState.Waiting, counted), ((await rig.StoredAsync(id)).State, (await rig.StoredAsync(id)).AttemptCount));
        // It is not claimed again and again.
        Assert.Single(rig.Store.Committed.OfType<ReleaseCommand>());

        var readable = await rig.EnqueueAsync();
        rig.Dispatcher.Notify("orders");
        var call = await rig.AdvanceToCallAsync();
        Assert.Equal(readable, call.Delivery.Id);
        call.Succeed();
        Assert.Equal("delivered", (await rig.ReportAsync()).Attempt.Outcome);
        await rig.QuietAsync();
        Assert.Equal((DeliveryState.Waiting, counted), ((await rig.StoredAsync(id)).State, (await rig.StoredAsync(id)).AttemptCount));

        var opened = Assert.Single((await other.CommitAsync(new ClaimCommand("orders", 1, "other") { Suspects = suspect },
            TestContext.Current.CancellationToken)).Deliveries);
        Assert.Equal("{}"u8, opened.Body.Span);
    }
}
