using System.Text;

namespace Recourse.Durable.Tests;

// Payloads sealed above the store: nothing readable in its rows, everything as it was to those who have the key.
public abstract partial class StoreContract
{
    private static PayloadKey PayloadKey(string id) => new(id, Encoding.ASCII.GetBytes(id.PadRight(32, '.')));

    /// <summary>The same store, closed and opened within a sealing one.</summary>
    private async Task<EncryptedMessageStore> SealedAsync(params string[] keys)
    {
        await Store.DisposeAsync();
        Store = Reopened();
        var store = new EncryptedMessageStore(Store, [.. keys.Select(PayloadKey)], Clock);
        await store.OpenAsync(TestContext.Current.CancellationToken);
        return store;
    }

    /// <summary>The store of this test as it stands, for another opening.</summary>
    protected virtual MessageStore Reopened() => Create(Clock);

    private static async Task<T> OnAsync<T>(MessageStore store, StoreCommand<T> command) =>
        await store.CommitAsync(command, TestContext.Current.CancellationToken);

    private static NewMessage Secret(string body = "secret body", string? key = null) => Message(body, key) with
    {
        Headers = new Dictionary<string, string> { ["x-patient"] = "secret Meier" },
        ContentType = "text/secret",
    };

    private static async Task<ClaimedDelivery> TakeAsync(MessageStore store) =>
        Assert.Single((await OnAsync(store, new ClaimCommand(Service, 1, "node"))).Deliveries);

    private static async Task<DeliveryId> DieAsync(MessageStore store)
    {
        var claimed = await TakeAsync(store);
        Assert.True(await OnAsync(store, new FailCommand(claimed.Id, claimed.Lease, Attempt(claimed, "it failed"), BadMessage,
            new(DeliveryAction.DeadLetter, null, "permanent fault"))));
        return claimed.Id;
    }

    private async Task AssertNothingReadableAsync(DeliveryId id)
    {
        foreach (var payload in (Payload?[])[await PayloadAsync(id), await Store.Queries.OriginalPayloadAsync(id,
            TestContext.Current.CancellationToken)])
        {
            Assert.NotNull(payload);
            Assert.DoesNotContain("secret", Encoding.Latin1.GetString(payload.Body.Span), StringComparison.Ordinal);
            Assert.DoesNotContain("secret", payload.ContentType, StringComparison.Ordinal);
            Assert.Null(payload.Headers);
        }
    }

    private static void AssertSecret(ReadOnlyMemory<byte> body, string? type, IReadOnlyDictionary<string, string>? headers,
        string text = "secret body")
    {
        Assert.Equal((text, "text/secret", "secret Meier"), (Encoding.UTF8.GetString(body.Span), type, headers?["x-patient"]));
    }

    [Fact]
    public async Task What_is_sealed_is_not_readable_in_the_store_and_arrives_as_it_was()
    {
        var store = await SealedAsync("k1");
        await OnAsync(store, new EnqueueCommand(Secret()));
        var claimed = await TakeAsync(store);
        AssertSecret(claimed.Body, claimed.ContentType, claimed.Headers);
        await AssertNothingReadableAsync(claimed.Id);
        var shown = (await store.Queries.PayloadAsync(claimed.Id, TestContext.Current.CancellationToken))!;
        AssertSecret(shown.Body, shown.ContentType, shown.Headers);
    }

    [Fact]
    public async Task An_edit_is_sealed_too_and_keeps_type_and_headers()
    {
        var store = await SealedAsync("k1");
        await OnAsync(store, new EnqueueCommand(Secret()));
        var letter = await DieAsync(store);
        Assert.Equal(DeadLetterOutcome.Done, await OnAsync(store, new EditPayloadCommand(letter, "alice", null,
            "secret edit"u8.ToArray())));
        await AssertNothingReadableAsync(letter);
        var original = (await store.Queries.OriginalPayloadAsync(letter, TestContext.Current.CancellationToken))!;
        AssertSecret(original.Body, original.ContentType, original.Headers);
        await OnAsync(store, new ReplayCommand(letter, "alice", null));
        var claimed = await TakeAsync(store);
        AssertSecret(claimed.Body, claimed.ContentType, claimed.Headers, "secret edit");
    }

    [Fact]
    public async Task A_message_that_is_sent_twice_is_one_also_after_the_key_changed()
    {
        var open = (await EnqueueAsync(Secret(key: "of the time without keys"))).MessageId;
        var store = await SealedAsync("k1");
        var first = await OnAsync(store, new EnqueueCommand(Secret(key: "a")));
        Assert.Equal(new(EnqueueStatus.Duplicate, first.MessageId), await OnAsync(store, new EnqueueCommand(Secret(key: "a"))));
        Assert.Equal(EnqueueStatus.KeyConflict, (await OnAsync(store, new EnqueueCommand(Secret("another", "a")))).Status);
        store = await SealedAsync("k2", "k1");
        Assert.Equal(new(EnqueueStatus.Duplicate, first.MessageId), await OnAsync(store, new EnqueueCommand(Secret(key: "a"))));
        Assert.Equal(EnqueueStatus.KeyConflict, (await OnAsync(store, new EnqueueCommand(Secret("another", "a")))).Status);
        Assert.Equal(new(EnqueueStatus.Duplicate, open),
            await OnAsync(store, new EnqueueCommand(Secret(key: "of the time without keys"))));
        Assert.Equal(2, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task A_window_that_ends_while_older_hashes_are_looked_for_stores_none_of_them()
    {
        await OnAsync(await SealedAsync("k1"), new EnqueueCommand(Secret(key: "a")));
        await SealedAsync("k2", "k1");
        var looked = new HookedStore(Store)
        {
            After = command =>
            {
                if (command is EnqueueCommand)
                    Clock.Advance(TimeSpan.FromHours(25));
                return Task.CompletedTask;
            },
        };
        var store = new EncryptedMessageStore(looked, [PayloadKey("k2"), PayloadKey("k1")], Clock);
        Assert.Equal(EnqueueStatus.KeyConflict, (await OnAsync(store, new EnqueueCommand(Secret("another", "a")))).Status);
        Assert.Single(looked.Committed.OfType<EnqueueCommand>());
        Assert.Equal(1, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task What_is_stored_to_recognise_a_message_tells_nothing_of_it_without_the_key()
    {
        await SealedAsync("k1");
        var looked = new HookedStore(Store);
        foreach (var key in (string[])["k1", "k2"])
            await OnAsync(new EncryptedMessageStore(looked, [PayloadKey(key)], Clock), new EnqueueCommand(Secret(key: key)));
        var stored = looked.Committed.OfType<EnqueueCommand>().Select(command => Convert.ToHexString(command.ContentHash!)).ToList();
        // Whoever reads the table could compare the plain hash with that of a body that he guesses.
        Assert.Equal(3, stored.Append(Convert.ToHexString(EnqueueChecks.Hash(Secret()))).Distinct().Count());
    }

    [Theory]
    [InlineData("application/vnd.recourse.sealed; key=x")]
    [InlineData(" Application/VND.recourse.Sealed;key=k1")]
    public async Task What_claims_to_be_sealed_is_refused_however_it_comes_in(string type)
    {
        await OnAsync(await SealedAsync(), new EnqueueCommand(Secret()));
        var letter = await DieAsync(Store);
        var whole = (await Store.Queries.DeliveryAsync(letter, TestContext.Current.CancellationToken))!;
        var (claims, good) = (new Payload("x"u8.ToArray(), type, null), new Payload("x"u8.ToArray(), "text/plain", null));
        foreach (var keys in (string[][])[[], ["k1"]])
        {
            var store = await SealedAsync(keys);
            await Assert.ThrowsAsync<ArgumentException>(() => OnAsync(store, new EnqueueCommand(Secret() with { ContentType = type })));
            Assert.Throws<ArgumentException>(() => new EditPayloadCommand(letter, "alice", null, default) { ContentType = type });
            await Assert.ThrowsAsync<ArgumentException>(() => OnAsync(store, new ImportLetterCommand(whole, claims, "alice")));
            await Assert.ThrowsAsync<ArgumentException>(() =>
                OnAsync(store, new ImportLetterCommand(whole, good, "alice") { Edited = claims }));
        }
    }

    [Fact]
    public async Task A_store_does_not_open_without_a_key_that_rows_need_or_with_a_wrong_one()
    {
        var store = await SealedAsync("k1");
        await OnAsync(store, new EnqueueCommand(Secret()));
        foreach (var keys in (string[][])[[], ["k2"]])
            Assert.Contains("'k1', which is not given", (await Assert.ThrowsAsync<StoreException>(() => SealedAsync(keys))).Message,
                StringComparison.Ordinal);
        await Store.DisposeAsync();
        Store = Reopened();
        var wrong = new EncryptedMessageStore(Store, [new("k1", new byte[32])], Clock);
        Assert.Contains("not the one", (await Assert.ThrowsAsync<StoreException>(() =>
            wrong.OpenAsync(TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
        AssertSecret((await TakeAsync(await SealedAsync("k2", "k1"))) is var claimed ? claimed.Body : default, claimed.ContentType,
            claimed.Headers);
    }

    [Fact]
    public async Task Rekeying_seals_what_is_open_or_under_another_key_and_then_needs_no_other()
    {
        await EnqueueAsync(Secret("secret open"));
        var edited = await DieAsync(Store);
        await CommitAsync(new EditPayloadCommand(edited, "alice", null, "secret edit"u8.ToArray()));
        var store = await SealedAsync("k1");
        for (var i = 0; i < 250; i++)
            await OnAsync(store, new EnqueueCommand(Secret($"secret {i}")));
        store = await SealedAsync("k2", "k1");
        await OnAsync(store, new EnqueueCommand(Secret("secret new")));

        // Ended in the middle it goes on where it was.
        using var stop = new CancellationTokenSource();
        var reports = new List<long>();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.RekeyAsync(new Reports(done =>
        {
            reports.Add(done);
            if (done > 100)
                stop.Cancel();
        }), stop.Token));
        Assert.Equal(252 - reports[^1], await store.RekeyAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(0, await store.RekeyAsync(cancellationToken: TestContext.Current.CancellationToken));
        await AssertNothingReadableAsync(edited);

        store = await SealedAsync("k2");
        await OnAsync(store, new ReplayCommand(edited, "alice", null));
        var bodies = new List<string>();
        foreach (var claimed in (await OnAsync(store, new ClaimCommand(Service, 500, "node"))).Deliveries)
        {
            var text = Encoding.UTF8.GetString(claimed.Body.Span);
            AssertSecret(claimed.Body, claimed.ContentType, claimed.Headers, text);
            bodies.Add(text);
        }
        Assert.Equal(Enumerable.Range(0, 250).Select(i => $"secret {i}").Append("secret edit").Append("secret new").Order(),
            bodies.Order());
    }

    private sealed class Reports(Action<long> report) : IProgress<long>
    {
        public void Report(long value) => report(value);
    }

    [Fact]
    public async Task A_body_that_was_moved_to_another_row_does_not_open_and_costs_only_its_row()
    {
        var store = await SealedAsync("k1");
        var ids = new List<Guid>();
        for (var i = 0; i < 3; i++)
            ids.Add((await OnAsync(store, new EnqueueCommand(Secret($"secret {i}")))).MessageId);
        var rows = await Store.Queries.StoredPayloadsAsync(false, "", long.MinValue, 10, TestContext.Current.CancellationToken);
        Assert.True(await OnAsync(Store, new ReplacePayloadCommand(rows[1], rows[0].ContentType!, rows[0].Body)));
        var claimed = (await OnAsync(store, new ClaimCommand(Service, 10, "node"))).Deliveries;
        Assert.Equal([null, "cannot be opened", null],
            claimed.Select(delivery => delivery.Unreadable is { } why && why.Contains("cannot be opened", StringComparison.Ordinal)
                ? "cannot be opened" : null));
        Assert.True(claimed[1].Body.IsEmpty);
        await Assert.ThrowsAsync<StoreException>(() => store.Queries.PayloadAsync(new(ids[1], 0), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_edit_that_was_moved_to_another_delivery_of_its_message_does_not_open()
    {
        var store = await SealedAsync("k1");
        await OnAsync(store, new EnqueueCommand(Secret() with { Services = ["a", "b"] }));
        foreach (var service in (string[])["a", "b"])
        {
            var held = Assert.Single((await OnAsync(store, new ClaimCommand(service, 1, "node"))).Deliveries);
            await OnAsync(store, new FailCommand(held.Id, held.Lease, Attempt(held, "it failed"), BadMessage,
                new(DeliveryAction.DeadLetter, null, "permanent fault")));
            await OnAsync(store, new EditPayloadCommand(held.Id, "alice", null, Encoding.UTF8.GetBytes($"edit for {service}")));
        }
        var edits = await Store.Queries.StoredPayloadsAsync(true, "", long.MinValue, 10, TestContext.Current.CancellationToken);
        Assert.Equal([0, 1], edits.Select(edit => edit.Index));
        Assert.True(await OnAsync(Store, new ReplacePayloadCommand(edits[1], edits[0].ContentType!, edits[0].Body)));
        var first = await store.Queries.PayloadAsync(new(edits[0].Message, 0), TestContext.Current.CancellationToken);
        Assert.Equal("edit for a", Encoding.UTF8.GetString(first!.Body.Span));
        await Assert.ThrowsAsync<StoreException>(() =>
            store.Queries.PayloadAsync(new(edits[1].Message, 1), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_imported_letter_is_sealed_and_two_of_one_message_come_together()
    {
        var store = await SealedAsync("k1");
        await OnAsync(store, new EnqueueCommand(Secret() with { Services = [Service, "other"] }));
        var first = await DieAsync(store);
        var second = Assert.Single((await OnAsync(store, new ClaimCommand("other", 1, "node"))).Deliveries).Id;
        var letter = (await store.Queries.DeliveryAsync(first, TestContext.Current.CancellationToken))!;
        var payload = (await store.Queries.PayloadAsync(first, TestContext.Current.CancellationToken))!;
        // Into another store: the letter, and its neighbour.
        await Store.DisposeAsync();
        Store = new InMemoryMessageStore(Clock);
        store = new EncryptedMessageStore(Store, [PayloadKey("k2")], Clock);
        await store.OpenAsync(TestContext.Current.CancellationToken);
        Assert.Equal(ImportOutcome.Imported, await OnAsync(store, new ImportLetterCommand(letter, payload, "alice")));
        Assert.Equal(ImportOutcome.Imported, await OnAsync(store, new ImportLetterCommand(letter with { Id = second, Service = "other" },
            payload, "alice")));
        Assert.Equal(ImportOutcome.Duplicate, await OnAsync(store, new ImportLetterCommand(letter, payload, "alice")));
        await AssertNothingReadableAsync(first);
        var shown = (await store.Queries.PayloadAsync(second, TestContext.Current.CancellationToken))!;
        AssertSecret(shown.Body, shown.ContentType, shown.Headers);
    }
}
