namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    private async Task<bool> CompleteWithoutHistoryAsync(ClaimedDelivery claimed) => await CommitAsync(
        new CompleteCommand(claimed.Id, claimed.Lease, Attempt(claimed, status: "204")) { KeepHistory = false });

    private async Task<bool> FailWithoutHistoryAsync(ClaimedDelivery claimed, string error, bool dead = false)
    {
        var decision = dead ? new DeliveryDecision(DeliveryAction.DeadLetter, null, "enough")
            : new DeliveryDecision(DeliveryAction.Retry, Clock.GetUtcNow(), "again", TimeSpan.Zero);
        return await CommitAsync(new FailCommand(claimed.Id, claimed.Lease, Attempt(claimed, error), ServiceDown, decision)
        {
            KeepHistory = false,
        });
    }

    [Fact]
    public async Task Without_a_history_a_delivered_message_leaves_nothing_but_the_totals()
    {
        var first = await PutAsync(orderKey: "lane");
        var second = await PutAsync(orderKey: "lane");
        Assert.True(await CompleteWithoutHistoryAsync(await ClaimOneAsync()));
        Assert.Null(await MessageAsync(first.MessageId));
        var claimed = await ClaimOneAsync();
        Assert.Equal(second, claimed.Id);
        await FailWithoutHistoryAsync(claimed, "down");
        Assert.True(await CompleteWithoutHistoryAsync(await ClaimOneAsync()));
        Assert.Null(await MessageAsync(second.MessageId));
        Assert.Empty((await ListAsync(new())).Items);
        var counts = await CountsAsync();
        Assert.Equal((2L, 2L, 0L), (counts.Accepted, counts.Delivered, counts.Leased));
    }

    [Fact]
    public async Task Without_a_history_only_the_last_attempt_of_a_failing_delivery_is_kept()
    {
        var id = await PutAsync();
        await FailWithoutHistoryAsync(await ClaimOneAsync(), "first");
        await FailWithoutHistoryAsync(await ClaimOneAsync(), "second");
        await FailWithoutHistoryAsync(await ClaimOneAsync(), "third", dead: true);
        var letter = await ReadAsync(id);
        Assert.Equal((3, "third"), (letter.AttemptCount, letter.Error));
        Assert.Equal((3, "third"), Assert.Single(letter.Attempts) is var attempt ? (attempt.Number, attempt.Error) : default);
        Assert.Equal([id], await FoundAsync(Dead with { Text = "third" }));
    }

    [Fact]
    public async Task Without_a_history_a_message_to_several_services_goes_with_the_last_of_them()
    {
        var message = (await EnqueueAsync(Message(services: ["x", "y", "z"]))).MessageId;
        Assert.True(await CompleteWithoutHistoryAsync(await ClaimOneAsync("x")));
        await KillAsync(await ClaimOneAsync("y"));
        Assert.True(await CompleteWithoutHistoryAsync(await ClaimOneAsync("z")));
        Assert.Equal(3, (await MessageAsync(message))!.Deliveries.Count);
        await CommitAsync(new AnnotateCommand(new(message, 1), "ann") { Note = "seen" });
        await CommitAsync(new ReplayCommand(new(message, 1), "ann", null));
        Assert.True(await CompleteWithoutHistoryAsync(await ClaimOneAsync("y")));
        Assert.Null(await MessageAsync(message));
        Assert.Equal(3, (await CountsAsync()).Delivered);
    }

    [Fact]
    public async Task Without_a_history_a_late_outcome_a_repeated_key_and_new_ids_are_what_they_were_with_one()
    {
        var first = (await EnqueueAsync(Message(key: "k"))).MessageId;
        var claimed = await ClaimOneAsync();
        Assert.True(await CompleteWithoutHistoryAsync(claimed));
        Assert.False(await CompleteWithoutHistoryAsync(claimed));
        Assert.False(await FailWithoutHistoryAsync(claimed, "late"));
        await RestartAsync();
        Assert.Equal(new EnqueueResult(EnqueueStatus.Duplicate, first), await EnqueueAsync(Message(key: "k")));
        Clock.SetWallClock(Clock.GetUtcNow().AddHours(-1));
        await RestartAsync();
        Assert.True((await EnqueueAsync(Message())).MessageId.CompareTo(first) > 0);
        var counts = await CountsAsync();
        Assert.Equal((2L, 1L, 1L), (counts.Accepted, counts.Delivered, counts.Waiting));
    }
}
