using System.Text;

namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    private async Task<DeliveryId> LetterAsync(string error = "it failed for good", string body = "hello", string service = Service,
        Classification? fault = null, string? status = null)
    {
        var id = new DeliveryId((await EnqueueAsync(Message(body, services: [service]))).MessageId, 0);
        var claimed = await ClaimOneAsync(service);
        Assert.Equal(id, claimed.Id);
        Assert.True(await CommitAsync(new FailCommand(claimed.Id, claimed.Lease, Attempt(claimed, error, status), fault ?? BadMessage,
            new(DeliveryAction.DeadLetter, null, "permanent fault"))));
        return id;
    }

    private Task<Page<DeadLetterGroup>> GroupsAsync(DeadLetterGroupFilter? filter = null) =>
        Store.Queries.GroupsAsync(filter ?? new(), TestContext.Current.CancellationToken);

    private static readonly DeliveryFilter Dead = new() { State = DeliveryState.Dead };

    private async Task<IEnumerable<DeliveryId>> FoundAsync(DeliveryFilter filter) =>
        (await ListAsync(filter)).Items.Select(item => item.Id);

    [Fact]
    public async Task Letters_that_died_alike_are_one_group_with_its_counts_and_times()
    {
        var first = await LetterAsync("no customer 17", status: "422");
        var begun = (await ReadAsync(first)).DeadAt;
        Clock.Advance(TimeSpan.FromMinutes(1));
        var second = await LetterAsync("no customer 4711", status: "422");
        await LetterAsync("no customer 17", status: "404");
        await LetterAsync("no customer 17", service: "mail", status: "422");

        var groups = (await GroupsAsync()).Items;
        Assert.Equal(3, groups.Count);
        var group = groups[0];
        Assert.Equal(
            (Service, FaultKind.ValidationError, "422", "no customer <*>"), (group.Service, group.Kind, group.Code, group.Template));
        Assert.Equal(("no customer 4711", 2L, 2L), (group.Sample, group.Dead, group.Total));
        Assert.Equal((begun, (await ReadAsync(second)).DeadAt), (group.FirstSeen, group.LastSeen));
        Assert.Equal([second, first], await FoundAsync(Dead with { Group = group.Id }));
        Assert.Equal(group.Id, (await ReadAsync(first)).Group);

        await CommitAsync(new ReplayCommand(first, "ann", null));
        await CompleteAsync(await ClaimOneAsync());
        await CommitAsync(new DiscardCommand(second, "ann", null));
        Assert.DoesNotContain((await GroupsAsync()).Items, item => item.Id == group.Id);
        Clock.Advance(TimeSpan.FromMinutes(1));
        await RestartAsync();
        await LetterAsync("no customer 5", status: "422");
        group = Assert.Single((await GroupsAsync()).Items, item => item.Id == group.Id);
        Assert.Equal((1L, 3L, begun), (group.Dead, group.Total, (DateTimeOffset?)group.FirstSeen));
        Assert.Equal((await CountsAsync()).Dead, (await GroupsAsync()).Items.Sum(item => item.Dead));
    }

    [Fact]
    public async Task Groups_are_filtered_ordered_and_paged()
    {
        foreach (var (error, times) in new[] { ("alpha", 3), ("beta", 1), ("gamma", 2) })
        {
            for (var i = 0; i < times; i++)
                await LetterAsync($"{error} failed {i}");
        }
        await LetterAsync("delta", service: "mail", fault: CutOff);
        var first = await GroupsAsync(new() { Limit = 2 });
        Assert.Equal(["alpha failed <*>", "gamma failed <*>"], first.Items.Select(group => group.Template));
        var second = await GroupsAsync(new() { Limit = 2, After = first.Next });
        Assert.Equal(2, second.Items.Count);
        Assert.Null(second.Next);
        Assert.Equal(["delta", "gamma failed <*>", "beta failed <*>", "alpha failed <*>"],
            (await GroupsAsync(new() { Order = DeadLetterGroupOrder.Recent })).Items.Select(group => group.Template));
        Assert.Single((await GroupsAsync(new() { Service = "mail" })).Items);
        Assert.Single((await GroupsAsync(new() { Kind = FaultKind.ConnectionReset })).Items);
        Assert.Single((await GroupsAsync(new() { Text = "BETA" })).Items);
        await Assert.ThrowsAsync<ArgumentException>(() => GroupsAsync(new() { After = first.Next, Order = DeadLetterGroupOrder.Recent }));
    }

    [Fact]
    public async Task No_two_letters_die_at_the_same_time()
    {
        for (var i = 0; i < 3; i++)
            await LetterAsync();
        var died = (await ListAsync(Dead)).Items.Select(item => item.DeadAt).ToList();
        Assert.Equal(died.OrderDescending().Distinct(), died);
    }

    [Theory]
    [InlineData("customer 4711", 1)]
    [InlineData("CUSTOMER", 3)]
    [InlineData("47", 2)]
    [InlineData("7", 2)]
    [InlineData("customer 4711 is", 0)]
    [InlineData("no such text", 0)]
    [InlineData("100% \"of_it\"", 1)]
    [InlineData("100_ \"of%it\"", 0)]
    [InlineData("über straße 😀", 1)]
    public async Task The_text_of_the_error_is_searched_in_any_case(string text, int expected)
    {
        await LetterAsync("no customer 4711");
        await LetterAsync("No Customer 47");
        await LetterAsync("customer 100% \"of_it\" failed", body: "no such text");
        await LetterAsync("it went Über STRAßE 😀 and away");
        Assert.Equal(expected, (await ListAsync(Dead with { Text = text })).Items.Count);
        await RestartAsync();
        Assert.Equal(expected, (await ListAsync(Dead with { Text = text })).Items.Count);
    }

    [Fact]
    public async Task A_letter_that_left_is_found_no_more_and_one_that_died_again_by_its_new_error()
    {
        var id = await LetterAsync("first error");
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.Empty(await FoundAsync(Dead with { Text = "first error" }));
        await KillAsync(await ClaimOneAsync(), error: "second error");
        Assert.Empty(await FoundAsync(Dead with { Text = "first error" }));
        Assert.Equal([id], await FoundAsync(Dead with { Text = "second error" }));
    }

    [Fact]
    public async Task Pages_of_a_search_go_on_where_the_last_ended_whatever_comes_meanwhile()
    {
        var ids = new List<DeliveryId>();
        for (var i = 0; i < 7; i++)
            ids.Insert(0, await LetterAsync($"common text {i}"));
        var seen = new List<DeliveryId>();
        string? after = null;
        do
        {
            var page = await ListAsync(Dead with { Text = "common text", Limit = 3, After = after });
            seen.AddRange(page.Items.Select(item => item.Id));
            after = page.Next;
            await LetterAsync("common text, newer");
        }
        while (after is not null);
        Assert.Equal(ids, seen);
    }

    [Fact]
    public async Task Letters_are_filtered_by_time_attempts_fault_generation_and_person()
    {
        var old = await LetterAsync("old", fault: BadMessage);
        Clock.Advance(TimeSpan.FromHours(1));
        var noon = Clock.GetUtcNow();
        var young = await LetterAsync("young", fault: ServiceDown);
        await CommitAsync(new ReplayCommand(young, "ann", null));
        await KillAsync(await ClaimOneAsync(), CutOff, "again");
        await CommitAsync(new AnnotateCommand(old, "ann") { Assignee = "bob" });

        Assert.Equal([young], await FoundAsync(Dead with { Since = noon }));
        Assert.Equal([old], await FoundAsync(Dead with { Until = noon }));
        Assert.Equal([young], await FoundAsync(Dead with { AttemptsMin = 2 }));
        Assert.Equal([young], await FoundAsync(Dead with { Generation = 1 }));
        Assert.Equal([old], await FoundAsync(Dead with { Persistence = Persistence.Permanent }));
        Assert.Equal([young], await FoundAsync(Dead with { Blame = Blame.Service }));
        Assert.Equal([old], await FoundAsync(Dead with { Assignee = "bob" }));
        Assert.Equal([young], await FoundAsync(Dead with { Assignee = "" }));
        Assert.Equal([old], await FoundAsync(Dead with { Manual = true, SecondChances = 2 }));
        Assert.Equal([young], await FoundAsync(Dead with { Manual = false, SecondChances = 2 }));
        Assert.Equal([young, old], await FoundAsync(Dead with { Manual = true, SecondChances = 1 }));
        await CommitAsync(new AnnotateCommand(young, "ann") { Manual = true });
        Assert.Empty(await FoundAsync(Dead with { Manual = false, SecondChances = 2 }));
        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(new() { Assignee = "bob" }));
        await Assert.ThrowsAsync<ArgumentException>(() => ListAsync(Dead with { Group = "no group" }));
    }

    [Fact]
    public async Task An_edited_letter_is_sent_as_edited_and_keeps_what_came_in()
    {
        var id = await LetterAsync(body: "helo");
        var edit = new EditPayloadCommand(id, "ann", "a typo", "hello"u8.ToArray()) { IfEdits = 0, ContentType = "text/markdown" };
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(edit));
        Assert.Equal(DeadLetterOutcome.Stale,
            await CommitAsync(new EditPayloadCommand(id, "bob", null, "hallo"u8.ToArray()) { IfEdits = 0 }));
        await RestartAsync();
        var now = (await PayloadAsync(id))!;
        var before = (await Store.Queries.OriginalPayloadAsync(id, TestContext.Current.CancellationToken))!;
        Assert.Equal(("hello", "text/markdown", 1), (Encoding.UTF8.GetString(now.Body.Span), now.ContentType, now.Edits));
        Assert.Equal(("helo", "text/plain", 0), (Encoding.UTF8.GetString(before.Body.Span), before.ContentType, before.Edits));
        Assert.Equal(1, (await ReadAsync(id)).Edits);
        await CommitAsync(new ReplayCommand(id, "ann", null));
        var claimed = await ClaimOneAsync();
        Assert.Equal(("hello", "text/markdown"), (Encoding.UTF8.GetString(claimed.Body.Span), claimed.ContentType));
        Assert.Equal(DeadLetterOutcome.NotDead, await CommitAsync(new EditPayloadCommand(id, "ann", null, default)));
        Assert.Equal(["edit by ann: 4 to 5 bytes: a typo", "replay by ann: "],
            (await ReadAsync(id)).Acts.Select(act => $"{act.Verb} by {act.Actor}: {act.Detail}"));
    }

    [Fact]
    public async Task An_edited_letter_gets_a_new_idempotency_key_though_an_attempt_may_have_had_an_effect()
    {
        var id = await LetterAsync(fault: CutOff);
        await CommitAsync(new EditPayloadCommand(id, "ann", null, "other"u8.ToArray()));
        await CommitAsync(new ReplayCommand(id, "ann", null));
        var claimed = await ClaimOneAsync();
        Assert.EndsWith(".g1", claimed.IdempotencyKey);
        // The same edited body again: the service may know it by now.
        await KillAsync(claimed, CutOff);
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.EndsWith(".g1", (await ClaimOneAsync()).IdempotencyKey);
    }

    [Fact]
    public async Task A_person_can_choose_the_idempotency_key_of_a_replay()
    {
        var id = await LetterAsync();
        await CommitAsync(new ReplayCommand(id, "ann", null) { Key = ReplayKey.Keep });
        var kept = await ClaimOneAsync();
        Assert.Equal(id.MessageId.ToString(), kept.IdempotencyKey);
        await KillAsync(kept, CutOff);
        await CommitAsync(new ReplayCommand(id, "ann", null) { Key = ReplayKey.New });
        Assert.EndsWith(".g2", (await ClaimOneAsync()).IdempotencyKey);
    }

    [Fact]
    public async Task A_resolved_letter_counts_as_discarded_and_says_how_it_was_settled()
    {
        var id = await LetterAsync("settled elsewhere");
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new ResolveCommand(id, "ann", "paid by phone")));
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Discarded, true, "resolve: by ann: paid by phone"), (seen.State, seen.Resolved, seen.Decision));
        var counts = await CountsAsync();
        Assert.Equal((0, 1), (counts.Dead, counts.Discarded));
        await CommitAsync(new DiscardCommand(await LetterAsync(), "ann", null));
        Assert.Equal([id], await FoundAsync(new() { Resolved = true }));
        Assert.Equal(DeadLetterOutcome.NotDead, await CommitAsync(new ResolveCommand(id, "ann", "again")));
    }

    [Fact]
    public async Task What_somebody_has_in_hand_is_kept_from_others_until_the_time_is_over_or_it_is_let_go()
    {
        var id = await LetterAsync();
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new TakeCommand(id, "ann", TimeSpan.FromMinutes(10))));
        var seen = await ReadAsync(id);
        Assert.Equal(("ann", Clock.GetUtcNow().AddMinutes(10)), (seen.TakenBy, seen.TakenUntil));
        Assert.Empty(await FoundAsync(Dead with { VisibleTo = "bob" }));
        Assert.Equal([id], await FoundAsync(Dead with { VisibleTo = "ann" }));
        Assert.Equal([id], await FoundAsync(Dead));
        Assert.Equal(DeadLetterOutcome.Taken, await CommitAsync(new ReplayCommand(id, "bob", null)));
        Assert.Equal(DeadLetterOutcome.Taken, await CommitAsync(new DiscardCommand(id, "policy", null)));
        Assert.Equal(DeadLetterOutcome.Taken, await CommitAsync(new TakeCommand(id, "bob", TimeSpan.FromMinutes(1))));
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new TakeCommand(id, "ann", TimeSpan.FromMinutes(20))));
        Clock.Advance(TimeSpan.FromMinutes(20));
        Assert.Null((await ReadAsync(id)).TakenBy);
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new TakeCommand(id, "bob", TimeSpan.FromMinutes(1))));
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new LetGoCommand(id, "ann")));
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new ReplayCommand(id, "ann", null)));
        Assert.Equal(["take", "take", "take", "release", "replay"], (await ReadAsync(id)).Acts.Select(act => act.Verb));
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(new TakeCommand(id, "ann", TimeSpan.FromDays(8))));
    }

    [Fact]
    public async Task Notes_and_assignments_stay_over_a_replay_and_go_with_the_message()
    {
        var id = await LetterAsync();
        await CommitAsync(new AnnotateCommand(id, "ann") { Assignee = "bob", Note = "asked the customer" });
        await CommitAsync(new AnnotateCommand(id, "bob") { Manual = true });
        await CommitAsync(new EditPayloadCommand(id, "bob", null, "x"u8.ToArray()));
        await CommitAsync(new ReplayCommand(id, "bob", null));
        await KillAsync(await ClaimOneAsync());
        await RestartAsync();
        var seen = await ReadAsync(id);
        Assert.Equal(("bob", "asked the customer", true), (seen.Assignee, seen.Note, seen.Parked));
        await CommitAsync(new AnnotateCommand(id, "bob") { Assignee = "", Note = "" });
        seen = await ReadAsync(id);
        Assert.Equal((null, null, true), (seen.Assignee, seen.Note, seen.Parked));
        Assert.Equal(["assign", "note", "park", "edit", "replay", "unassign", "note"], seen.Acts.Select(act => act.Verb));
        await CommitAsync(new ReplayCommand(id, "bob", null));
        await CompleteAsync(await ClaimOneAsync());
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.Zero, 10)));
        Assert.Null(await MessageAsync(id.MessageId));
        Assert.Null(await PayloadAsync(id));
    }

    [Fact]
    public async Task The_history_of_a_letter_keeps_the_last_50_acts()
    {
        var id = await LetterAsync();
        for (var i = 0; i < 53; i++)
            await CommitAsync(new AnnotateCommand(id, "ann") { Note = $"note {i}" });
        var acts = (await ReadAsync(id)).Acts;
        Assert.Equal((50, "note 3", "note 52"), (acts.Count, acts[0].Detail, acts[^1].Detail));
    }

    [Fact]
    public async Task What_is_dead_is_summed_up_by_kind_and_service_and_by_age()
    {
        await LetterAsync("a");
        Clock.Advance(TimeSpan.FromHours(2));
        await LetterAsync("b");
        await LetterAsync("c", service: "mail", fault: CutOff);
        var stats = await Store.Queries.DeadLetterStatsAsync(TestContext.Current.CancellationToken);
        Assert.Equal([new(Service, FaultKind.ValidationError, 2), new("mail", FaultKind.ConnectionReset, 1)], stats.ByKind);
        Assert.Equal([2, 2, 3, 3, 3, 3], stats.ByAge.Select(age => age.Dead));
        Assert.Equal(Clock.GetUtcNow().AddHours(-2), stats.OldestAt);
    }

    [Fact]
    public async Task A_discard_of_what_was_read_leaves_a_letter_that_was_edited_or_died_again_since()
    {
        var id = await LetterAsync();
        var read = await ReadAsync(id);
        Task<DeadLetterOutcome> DiscardAsync(DeliverySummary still) =>
            CommitAsync(new DiscardCommand(id, "policy", "too old") { IfStill = still });
        await CommitAsync(new EditPayloadCommand(id, "ann", null, "other"u8.ToArray()));
        Assert.Equal(DeadLetterOutcome.Stale, await DiscardAsync(read));
        read = await ReadAsync(id);
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.Equal(DeadLetterOutcome.NotDead, await DiscardAsync(read));
        await KillAsync(await ClaimOneAsync());
        Assert.Equal(DeadLetterOutcome.Stale, await DiscardAsync(read));
        Assert.Equal(DeadLetterOutcome.Done, await DiscardAsync(await ReadAsync(id)));
    }

    [Fact]
    public async Task A_zero_in_a_note_or_an_assignee_is_refused()
    {
        var id = await PutAsync();
        await KillAsync(await ClaimOneAsync());
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(new AnnotateCommand(id, "ann") { Note = "a\0b" }));
        await Assert.ThrowsAsync<ArgumentException>(() => CommitAsync(new AnnotateCommand(id, "ann") { Assignee = "a\0b" }));
        Assert.Empty((await ReadAsync(id)).Acts);
    }
}
