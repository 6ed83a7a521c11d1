using System.Text;

namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    /// <summary>What an export takes of a letter.</summary>
    private async Task<ImportLetterCommand> ExportedAsync(DeliveryId id)
    {
        var letter = await ReadAsync(id);
        var original = await Store.Queries.OriginalPayloadAsync(id, TestContext.Current.CancellationToken);
        return new(letter, original!, "ann") { Edited = letter.Edits > 0 ? await PayloadAsync(id) : null };
    }

    /// <summary>Puts it away and removes it, so that its id is free.</summary>
    private async Task RemoveAsync(params DeliveryId[] ids)
    {
        foreach (var id in ids)
            Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new DiscardCommand(id, "ann", "gone")));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.True(await CommitAsync(new PruneCommand(TimeSpan.Zero, 100)) > 0);
        foreach (var id in ids)
            Assert.Null(await Store.Queries.DeliveryAsync(id, TestContext.Current.CancellationToken));
    }

    /// <summary>A letter with all that one can have: attempts, an edit, a replay, a note, a person.</summary>
    private async Task<DeliveryId> RichLetterAsync()
    {
        var id = await PutAsync("first body", orderKey: "lane");
        await RetryAsync(await ClaimOneAsync(), TimeSpan.Zero, error: "down for 3 s");
        await KillAsync(await ClaimOneAsync(), CutOff, "no customer 17", blockLane: false);
        await CommitAsync(new EditPayloadCommand(id, "bob", "typo", "second body"u8.ToArray()) { ContentType = "text/html" });
        await CommitAsync(new ReplayCommand(id, "bob", "fixed"));
        await KillAsync(await ClaimOneAsync(), CutOff, "no customer 18", blockLane: false);
        await CommitAsync(new AnnotateCommand(id, "bob") { Assignee = "carl", Note = "ask sales", Manual = true });
        return id;
    }

    [Fact]
    public async Task An_imported_letter_is_what_it_was_with_its_id_attempts_history_notes_error_and_bodies()
    {
        var id = await RichLetterAsync();
        var exported = await ExportedAsync(id);
        await RemoveAsync(id);
        var before = await CountsAsync();

        Assert.Equal(ImportOutcome.Imported, await CommitAsync(exported));
        await RestartAsync();

        var (was, now) = (exported.Letter, await ReadAsync(id));
        Assert.Equal(was.Attempts, now.Attempts);
        Assert.Equal(was.Acts, now.Acts.SkipLast(1));
        Assert.Equal(("ann", "import"), (now.Acts[^1].Actor, now.Acts[^1].Verb));
        Assert.Contains($"{was.DeadAt:yyyy-MM-dd'T'HH:mm:ss}", now.Acts[^1].Detail);
        Assert.Equal(Clock.GetUtcNow(), now.DeadAt);
        Assert.Equal(was with { Attempts = [], Acts = [], DeadAt = null }, now with { Attempts = [], Acts = [], DeadAt = null });
        Assert.Equal("second body", Encoding.UTF8.GetString((await PayloadAsync(id))!.Body.Span));
        var original = await Store.Queries.OriginalPayloadAsync(id, TestContext.Current.CancellationToken);
        Assert.Equal(("first body", "text/plain"), (Encoding.UTF8.GetString(original!.Body.Span), original.ContentType));
        var after = await CountsAsync();
        Assert.Equal((before.Accepted + 1, before.Dead + 1, before.Discarded), (after.Accepted, after.Dead, after.Discarded));
    }

    [Fact]
    public async Task An_imported_letter_is_found_grouped_replayed_and_pruned_as_any_other()
    {
        var id = await RichLetterAsync();
        var exported = await ExportedAsync(id);
        await RemoveAsync(id);
        await CommitAsync(exported);
        Assert.Equal([id], await FoundAsync(Dead with { Text = "customer 18" }));
        Assert.Equal([id], await FoundAsync(Dead with { Assignee = "carl" }));
        var group = Assert.Single((await GroupsAsync()).Items);
        Assert.Equal((1L, exported.Letter.Group), (group.Dead, group.Id));

        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new ReplayCommand(id, "ann", null)));
        var claimed = await ClaimOneAsync();
        // An attempt may have had an effect since the edit: the service is to recognise it.
        Assert.Equal((4, 1, 2, $"{id.MessageId}.g1"),
            (claimed.Attempt, claimed.AttemptInGeneration, claimed.Generation, claimed.IdempotencyKey));
        Assert.Equal("lane", claimed.OrderKey);
        Assert.True(await CompleteAsync(claimed));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.Zero, 100)));
        Assert.Equal((2L, 1L, 1L), await CountsAsync() is var counts ? (counts.Accepted, counts.Delivered, counts.Discarded) : default);
    }

    [Fact]
    public async Task A_letter_whose_id_is_there_is_a_duplicate_whatever_its_state_and_changes_nothing()
    {
        var id = await LetterAsync();
        var exported = await ExportedAsync(id);
        Assert.Equal(ImportOutcome.Duplicate, await CommitAsync(exported));
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.Equal(ImportOutcome.Duplicate, await CommitAsync(exported));
        await CompleteAsync(await ClaimOneAsync());
        Assert.Equal(ImportOutcome.Duplicate, await CommitAsync(exported));
        var counts = await CountsAsync();
        Assert.Equal((1L, 0L, 1L), (counts.Accepted, counts.Dead, counts.Delivered));
    }

    [Fact]
    public async Task Letters_of_one_message_join_it_again_and_it_is_kept_until_all_of_them_have_ended()
    {
        var message = (await EnqueueAsync(Message(services: ["x", "y", "z"]))).MessageId;
        foreach (var service in new[] { "x", "y", "z" })
            await KillAsync(await ClaimOneAsync(service));
        DeliveryId second = new(message, 1), third = new(message, 2);
        var (of2, of3) = (await ExportedAsync(second), await ExportedAsync(third));
        await RemoveAsync(new(message, 0), second, third);

        Assert.Equal(ImportOutcome.Imported, await CommitAsync(of3));
        await CommitAsync(new ReplayCommand(third, "ann", null));
        var claimed = await ClaimOneAsync("z");
        // While its sibling is in hand, and after that has ended: both orders of an import.
        Assert.Equal(ImportOutcome.Imported, await CommitAsync(of2));
        Assert.True(await CompleteAsync(claimed));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, await CommitAsync(new PruneCommand(TimeSpan.Zero, 100)));
        Assert.Equal([second, third], (await MessageAsync(message))!.Deliveries.Select(delivery => delivery.Id));

        await CommitAsync(new DiscardCommand(second, "ann", null));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.Zero, 100)));
    }

    /// <summary>Two letters of one message (services "x" and "y"), exported and gone, of which the first was imported again.</summary>
    private async Task<(DeliveryId First, DeliveryId Second, ImportLetterCommand OfSecond)> FirstOfTwoImportedAsync()
    {
        var message = (await EnqueueAsync(Message(services: ["x", "y"]))).MessageId;
        foreach (var service in new[] { "x", "y" })
            await KillAsync(await ClaimOneAsync(service));
        DeliveryId first = new(message, 0), second = new(message, 1);
        var (of1, of2) = (await ExportedAsync(first), await ExportedAsync(second));
        await RemoveAsync(first, second);
        await CommitAsync(of1);
        return (first, second, of2);
    }

    [Fact]
    public async Task An_import_to_a_message_that_has_ended_keeps_it_from_being_pruned()
    {
        var (first, second, of2) = await FirstOfTwoImportedAsync();
        await CommitAsync(new DiscardCommand(first, "ann", null));
        Assert.Equal(ImportOutcome.Imported, await CommitAsync(of2));
        Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, await CommitAsync(new PruneCommand(TimeSpan.Zero, 100)));
        Assert.Equal(DeliveryState.Dead, (await ReadAsync(second)).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_letter_that_joins_a_message_in_hand_holds_it_until_both_have_ended(bool letterEndsLast)
    {
        var (first, second, of2) = await FirstOfTwoImportedAsync();
        await CommitAsync(new ReplayCommand(first, "ann", null));
        var inHand = await ClaimOneAsync("x");
        Assert.Equal(ImportOutcome.Imported, await CommitAsync(of2));
        async Task EndAsync(bool letter)
        {
            if (letter)
                await CommitAsync(new DiscardCommand(second, "ann", null));
            else
                await CompleteAsync(inHand);
            Clock.Advance(TimeSpan.FromMinutes(1));
        }
        await EndAsync(!letterEndsLast);
        var other = await PutAsync();
        await CompleteAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromMinutes(1));
        // What is held takes nobody's place.
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.Zero, 1)));
        Assert.Null(await MessageAsync(other.MessageId));
        Assert.Equal(letterEndsLast ? DeliveryState.Dead : DeliveryState.Leased, (await ReadAsync(letterEndsLast ? second : first)).State);
        await EndAsync(letterEndsLast);
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.Zero, 2)));
        Assert.Null(await MessageAsync(first.MessageId));
    }

    [Fact]
    public async Task An_id_that_belongs_to_another_message_is_a_conflict()
    {
        var id = await LetterAsync();
        var exported = await ExportedAsync(id);
        var other = new ImportLetterCommand(exported.Letter with { Id = new(id.MessageId, 1), Service = "mail" },
            exported.Original with { Body = "another"u8.ToArray() }, "ann");
        Assert.Equal(ImportOutcome.Conflict, await CommitAsync(other));
        Assert.Equal(1, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task New_ids_rise_after_an_import_and_a_restart_whatever_id_came_in()
    {
        var id = await LetterAsync();
        var exported = await ExportedAsync(id);
        await RemoveAsync(id);
        var last = (await EnqueueAsync(Message("later"))).MessageId;
        await CommitAsync(exported);
        Clock.SetWallClock(Clock.GetUtcNow().AddHours(-1));
        await RestartAsync();
        var next = (await EnqueueAsync(Message("last"))).MessageId;
        Assert.True(next.CompareTo(last) > 0, $"{next} after {last}");
    }

    [Fact]
    public async Task An_imported_letter_holds_nobody_up_in_its_lane()
    {
        var id = await PutAsync("head", orderKey: "lane");
        await KillAsync(await ClaimOneAsync());
        var exported = await ExportedAsync(id);
        await RemoveAsync(id);
        await CommitAsync(exported);
        var next = await PutAsync("next", orderKey: "lane");
        Assert.Equal(next, (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task An_import_that_no_store_wrote_is_refused_with_what_is_wrong()
    {
        var good = await ExportedAsync(await LetterAsync());
        async Task RefusedAsync(StoredDelivery letter, string what) => Assert.Contains(what, (await Assert.ThrowsAsync<ArgumentException>(
            () => CommitAsync(new ImportLetterCommand(letter, good.Original, "ann")))).Message);
        var letter = good.Letter;
        await RefusedAsync(letter with { Id = default }, "message id");
        await RefusedAsync(letter with { Id = new(letter.Id.MessageId, 256) }, "0 to 255");
        await RefusedAsync(letter with { Queue = "No Name" }, "Queue");
        await RefusedAsync(letter with { IdempotencyKey = $"{letter.Id.MessageId}.g7" }, "IdempotencyKey");
        await RefusedAsync(letter with { Note = new('x', 5000) }, "4000");
        await RefusedAsync(letter with { Attempts = [.. letter.Attempts, .. letter.Attempts] }, "numbers rise");
        Assert.Equal(1, (await CountsAsync()).Accepted);
    }
}
