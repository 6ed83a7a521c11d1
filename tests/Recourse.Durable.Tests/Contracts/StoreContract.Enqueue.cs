using System.Text;

namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    [Fact]
    public async Task A_message_is_kept_byte_for_byte_with_all_that_came_with_it()
    {
        var body = new byte[] { 0, 255, 10, 13, 0, 128 };
        var message = Message() with
        {
            Body = body,
            ContentType = "application/octet-stream",
            Headers = new Dictionary<string, string> { ["x-tenant"] = "übung", ["x-two"] = "" },
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            OrderKey = "customer-7",
        };
        var result = await EnqueueAsync(message);
        Assert.Equal(EnqueueStatus.Accepted, result.Status);
        Assert.Equal(7, result.MessageId.Version);

        var claimed = await ClaimOneAsync();
        Assert.Equal(new DeliveryId(result.MessageId, 0), claimed.Id);
        Assert.Equal(body, claimed.Body.ToArray());
        Assert.Equal("application/octet-stream", claimed.ContentType);
        Assert.Equal(message.Headers, claimed.Headers);
        Assert.Equal(message.TraceParent, claimed.TraceParent);
        Assert.Equal("customer-7", claimed.OrderKey);
        Assert.Equal((Queue, Service, 1, 1, 0),
            (claimed.Queue, claimed.Service, claimed.Attempt, claimed.AttemptInGeneration, claimed.Generation));
        Assert.Equal(Clock.GetUtcNow(), claimed.CreatedAt);

        var payload = await PayloadAsync(claimed.Id);
        Assert.Equal(body, payload!.Body.ToArray());
        Assert.Equal(message.Headers, payload.Headers);
        Assert.Equal(message.TraceParent, (await ReadAsync(claimed.Id)).TraceParent);
    }

    [Fact]
    public async Task An_empty_body_stays_an_empty_body()
    {
        await EnqueueAsync(Message("") with { ContentType = null });
        var claimed = await ClaimOneAsync();
        Assert.True(claimed.Body.IsEmpty);
        Assert.Null(claimed.ContentType);
        Assert.Null(claimed.Headers);
    }

    [Fact]
    public async Task Each_service_gets_a_delivery_of_its_own()
    {
        var id = (await EnqueueAsync(Message(services: ["billing", "stock", "mail"]))).MessageId;
        var stock = await ClaimOneAsync("stock");
        Assert.Equal(new DeliveryId(id, 1), stock.Id);
        Assert.True(await CompleteAsync(stock));

        var message = await MessageAsync(id);
        Assert.Equal(["billing", "stock", "mail"], message!.Deliveries.Select(delivery => delivery.Service));
        Assert.Equal(
            [DeliveryState.Waiting, DeliveryState.Delivered, DeliveryState.Waiting], message.Deliveries.Select(delivery => delivery.State));
        var counts = await CountsAsync();
        Assert.Equal((3, 2, 1), (counts.Accepted, counts.Waiting, counts.Delivered));
    }

    [Fact]
    public async Task Ids_rise_even_when_the_clock_goes_back()
    {
        var first = (await EnqueueAsync(Message())).MessageId;
        Clock.SetWallClock(Clock.GetUtcNow().AddHours(-1));
        var second = (await EnqueueAsync(Message())).MessageId;
        await RestartAsync();
        var third = (await EnqueueAsync(Message())).MessageId;
        Assert.True(first.CompareTo(second) < 0, $"{first} < {second}");
        Assert.True(second.CompareTo(third) < 0, $"{second} < {third}");
    }

    [Fact]
    public async Task The_same_key_and_body_give_the_first_id_whatever_became_of_it()
    {
        var first = await EnqueueAsync(Message("a", key: "k1"));
        Assert.Equal(new(EnqueueStatus.Duplicate, first.MessageId), await EnqueueAsync(Message("a", key: "k1")));
        Assert.True(await CompleteAsync(await ClaimOneAsync()));
        Assert.Equal(new(EnqueueStatus.Duplicate, first.MessageId), await EnqueueAsync(Message("a", key: "k1")));
        Assert.Equal(1, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task The_same_key_with_another_body_or_type_is_a_conflict_and_stores_nothing()
    {
        var first = await EnqueueAsync(Message("a", key: "k1"));
        Assert.Equal(new(EnqueueStatus.KeyConflict, first.MessageId), await EnqueueAsync(Message("b", key: "k1")));
        Assert.Equal(new(EnqueueStatus.KeyConflict, first.MessageId),
            await EnqueueAsync(Message("a", key: "k1") with { ContentType = "a/b" }));
        Assert.Equal(1, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task A_key_counts_within_its_queue_and_its_window_only()
    {
        var first = await EnqueueAsync(Message("a", key: "k1"));
        Assert.Equal(EnqueueStatus.Accepted, (await EnqueueAsync(Message("a", key: "k1", queue: "other"))).Status);
        Clock.Advance(TimeSpan.FromHours(24) - TimeSpan.FromMilliseconds(1));
        Assert.Equal(EnqueueStatus.Duplicate, (await EnqueueAsync(Message("a", key: "k1"))).Status);
        Clock.Advance(TimeSpan.FromMilliseconds(1));
        var again = await EnqueueAsync(Message("b", key: "k1"));
        Assert.Equal(EnqueueStatus.Accepted, again.Status);
        Assert.NotEqual(first.MessageId, again.MessageId);
    }

    [Fact]
    public async Task Two_of_the_same_key_in_one_batch_are_one_message()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => EnqueueAsync(Message("a", key: "k1"))));
        Assert.Single(answers.Select(answer => answer.MessageId).Distinct());
        Assert.Single(answers, answer => answer.Status is EnqueueStatus.Accepted);
        Assert.Equal(1, (await CountsAsync()).Accepted);
    }

    [Theory]
    [InlineData("Orders")]
    [InlineData("")]
    [InlineData("a b")]
    public async Task A_queue_name_out_of_bounds_is_refused_by_name(string queue)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => EnqueueAsync(Message(queue: queue)));
        Assert.Contains("NewMessage.Queue", error.Message);
    }

    [Fact]
    public async Task Services_must_be_there_and_be_named_once()
    {
        await Assert.ThrowsAsync<ArgumentException>(() => EnqueueAsync(Message() with { Services = [] }));
        await Assert.ThrowsAsync<ArgumentException>(() => EnqueueAsync(Message(services: ["a", "a"])));
    }

    [Fact]
    public async Task A_large_body_comes_back_whole()
    {
        var body = new byte[3 << 20];
        new Random(5).NextBytes(body);
        await EnqueueAsync(Message() with { Body = body });
        var claimed = await ClaimOneAsync();
        Assert.True(body.AsSpan().SequenceEqual(claimed.Body.Span));
    }

    [Fact]
    public async Task Many_callers_at_once_get_ids_of_their_own_and_lose_nothing()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 3000).Select(i => Task.Run(() => EnqueueAsync(Message($"body {i}")))));
        Assert.Equal(3000, answers.Select(answer => answer.MessageId).Distinct().Count());
        Assert.Equal(3000, (await CountsAsync()).Waiting);
        var seen = new HashSet<string>();
        while ((await ClaimAsync(500)).Deliveries is { Count: > 0 } claimed)
        {
            foreach (var delivery in claimed)
                Assert.True(seen.Add(Encoding.UTF8.GetString(delivery.Body.Span)));
        }
        Assert.Equal(3000, seen.Count);
    }

    [Fact]
    public async Task Headers_that_differ_only_in_case_are_refused_by_name()
    {
        var headers = new Dictionary<string, string> { ["X-A"] = "1", ["x-a"] = "2" };
        var error = await Assert.ThrowsAsync<ArgumentException>(() => EnqueueAsync(Message() with { Headers = headers }));
        Assert.Contains("'x-a'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_zero_in_a_text_of_a_message_is_refused_by_name()
    {
        NewMessage[] messages =
        [
            Message(key: "a\0"), Message(orderKey: "a\0"), Message() with { ContentType = "a\0" }, Message() with { TraceParent = "a\0" },
        ];
        foreach (var message in messages)
            Assert.Contains("U+0000", (await Assert.ThrowsAsync<ArgumentException>(() => EnqueueAsync(message))).Message);
    }
}
