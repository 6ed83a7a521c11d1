using System.Security.Cryptography;
using System.Text;

namespace Recourse.Durable.Tests;

// Keys, sessions, and who did what.
public abstract partial class StoreContract
{
    private static AddKeyCommand Key(string name, Role role = Role.Admin, string? parent = null, TimeSpan? lifetime = null) =>
        new(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name + parent)))[..8], name, role,
            SHA256.HashData(Encoding.UTF8.GetBytes("secret of " + name)), "root")
        { Parent = parent, Lifetime = lifetime };

    private Task<IReadOnlyList<ApiKey>> KeysAsync() => Store.Queries.KeysAsync(TestContext.Current.CancellationToken);

    private async Task<IReadOnlyList<AuditEntry>> ActsAsync(AuditFilter? filter = null) =>
        (await Store.Queries.AuditAsync(filter ?? new() { Limit = 500 }, TestContext.Current.CancellationToken)).Items;

    [Fact]
    public async Task A_key_is_kept_as_it_was_made_over_a_restart()
    {
        var made = Key("alice", lifetime: TimeSpan.FromDays(30));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(made));
        await RestartAsync();
        var kept = Assert.Single(await KeysAsync());
        Assert.Equal((made.Id, "alice", Role.Admin, "root", null), (kept.Id, kept.Name, kept.Role, kept.CreatedBy, kept.Parent));
        Assert.Equal(made.Hash.ToArray(), kept.Hash.ToArray());
        Assert.Equal(Clock.GetUtcNow(), kept.CreatedAt);
        Assert.Equal(Clock.GetUtcNow() + TimeSpan.FromDays(30), kept.ExpiresAt);
    }

    [Fact]
    public async Task There_is_an_admin_or_no_key_at_all()
    {
        Assert.Equal(KeyOutcome.NeedsAdmin, await CommitAsync(Key("first", Role.Viewer)));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(Key("alice")));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(Key("bob", Role.Operator)));
        Assert.Equal(KeyOutcome.NameTaken, await CommitAsync(Key("bob", Role.Viewer)));
        Assert.Equal(KeyOutcome.LastAdmin, await CommitAsync(new RemoveKeyCommand(Key("alice").Id, "root")));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(new RemoveKeyCommand(Key("bob").Id, "root")));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(new RemoveKeyCommand(Key("alice").Id, "root")));
        Assert.Equal(KeyOutcome.NotFound, await CommitAsync(new RemoveKeyCommand(Key("alice").Id, "root")));
        Assert.Empty(await KeysAsync());
        // Named also where it stayed; what was not there has an id at most.
        Assert.Equal(
            [("key/alice", "last-admin"), ("key/bob", "done"), ("key/alice", "done"), ($"key/{Key("alice").Id}", "not-found")],
            (await ActsAsync(new() { Verb = "key.remove", Limit = 500 })).Reverse().Select(act => (act.Target, act.Outcome)));
    }

    [Fact]
    public async Task An_admin_that_is_over_is_none_and_the_name_of_the_configuration_is_nobodys()
    {
        Assert.Equal(KeyOutcome.Done, await CommitAsync(Key("alice")));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(Key("bob", lifetime: TimeSpan.FromHours(1))));
        Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(KeyOutcome.LastAdmin, await CommitAsync(new RemoveKeyCommand(Key("alice").Id, "root")));
        await Assert.ThrowsAsync<ArgumentException>(async () => await CommitAsync(Key("policy")));
    }

    [Fact]
    public async Task A_session_has_the_name_and_role_of_its_key_and_goes_with_it()
    {
        await CommitAsync(Key("alice"));
        await CommitAsync(Key("bob", Role.Viewer, lifetime: TimeSpan.FromHours(1)));
        Assert.Equal(KeyOutcome.Done, await CommitAsync(Key("s", Role.Admin, Key("bob").Id, TimeSpan.FromHours(12))));
        var session = Assert.Single(await KeysAsync(), key => key.Parent is not null);
        Assert.Equal(("bob", Role.Viewer), (session.Name, session.Role));
        Assert.Equal(Clock.GetUtcNow() + TimeSpan.FromHours(1), session.ExpiresAt);
        Assert.Equal(KeyOutcome.Done, await CommitAsync(new RemoveKeyCommand(Key("bob").Id, "root")));
        Assert.Equal(["alice"], (await KeysAsync()).Select(key => key.Name));
        Assert.Equal(KeyOutcome.NotFound, await CommitAsync(Key("late", Role.Admin, Key("bob").Id, TimeSpan.FromHours(12))));
    }

    [Fact]
    public async Task Sessions_are_bounded_the_oldest_ends()
    {
        await CommitAsync(Key("alice"));
        for (var i = 0; i < 22; i++)
        {
            Clock.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(KeyOutcome.Done, await CommitAsync(Key($"s{i}", Role.Admin, Key("alice").Id, TimeSpan.FromHours(12))));
        }
        var sessions = (await KeysAsync()).Where(key => key.Parent is not null).Select(key => key.Id).ToList();
        Assert.Equal(Enumerable.Range(2, 20).Select(i => Key($"s{i}", parent: Key("alice").Id).Id), sessions);
        Clock.Advance(TimeSpan.FromDays(1));
        await CommitAsync(Key("next", Role.Admin, Key("alice").Id, TimeSpan.FromHours(12)));
        Assert.Single(await KeysAsync(), key => key.Parent is not null);
    }

    [Fact]
    public async Task Every_act_is_noted_with_its_outcome_in_the_commit_that_did_it()
    {
        var letter = await DeadAsync();
        var since = Clock.GetUtcNow();
        Assert.Empty(await ActsAsync());
        await CommitAsync(new TakeCommand(letter, "alice", TimeSpan.FromMinutes(15)));
        await CommitAsync(new DiscardCommand(letter, "bob", "not mine"));
        await CommitAsync(new AnnotateCommand(letter, "alice") { Assignee = "carol", Note = "secret thoughts" });
        await CommitAsync(new ReplayCommand(letter, "alice", "fixed"));
        await CommitAsync(new ReplayCommand(letter, "alice", "twice"));
        await CommitAsync(new ControlCommand(ControlKind.QueuePaused, Queue, true, "alice", "maintenance"));
        await CommitAsync(new ControlCommand(ControlKind.QueuePaused, Queue, true, "bob", null));
        await CommitAsync(new DiscardCommand(letter, "policy", "retention"));
        await CommitAsync(Key("dave"));
        await CommitAsync(new NoteActCommand("alice", "export", "dead-letters", "12 letters", "done"));
        Assert.Equal(
            [
                ("alice", "take", $"dead-letter/{letter}", "for 15 min", "done"),
                ("bob", "discard", $"dead-letter/{letter}", "not mine", "taken"),
                ("alice", "annotate", $"dead-letter/{letter}", "assigned to carol, note", "done"),
                ("alice", "replay", $"dead-letter/{letter}", "fixed", "done"),
                ("alice", "replay", $"dead-letter/{letter}", "twice", "not-dead"),
                ("alice", "pause", $"queue/{Queue}", "maintenance", "done"),
                ("bob", "pause", $"queue/{Queue}", null, "unchanged"),
                ("root", "key.add", "key/dave", $"admin, id {Key("dave").Id}", "done"),
                ("alice", "export", "dead-letters", "12 letters", "done"),
            ],
            (await ActsAsync()).Reverse().Select(act => (act.Actor, act.Verb, act.Target, act.Reason, act.Outcome)));
        Assert.All(await ActsAsync(), act => Assert.Equal(since, act.At));
    }

    [Fact]
    public async Task Acts_are_found_by_actor_verb_and_time_page_by_page()
    {
        for (var i = 0; i < 30; i++)
        {
            Clock.Advance(TimeSpan.FromMinutes(1));
            await CommitAsync(new NoteActCommand(i % 2 == 0 ? "even" : "odd", i % 3 == 0 ? "third" : "other", $"act/{i}", null, "done"));
        }
        var start = Clock.GetUtcNow() - TimeSpan.FromMinutes(29);
        Assert.Equal([24, 18, 12, 6, 0], await NumbersAsync(new() { Actor = "even", Verb = "third" }));
        Assert.Equal([12, 11, 10], await NumbersAsync(new()
        {
            Since = start + TimeSpan.FromMinutes(10),
            Until = start + TimeSpan.FromMinutes(13),
        }));
        var all = new List<int>();
        string? after = null;
        do
        {
            var page = await Store.Queries.AuditAsync(new() { After = after, Limit = 7 }, TestContext.Current.CancellationToken);
            all.AddRange(page.Items.Select(Number));
            after = page.Next;
            // What is done meanwhile moves nothing.
            await CommitAsync(new NoteActCommand("late", "late", "act/99", null, "done"));
        }
        while (after is not null);
        Assert.Equal(Enumerable.Range(0, 30).Reverse(), all);

        async Task<IEnumerable<int>> NumbersAsync(AuditFilter filter) => (await ActsAsync(filter)).Select(Number);
        static int Number(AuditEntry act) => int.Parse(act.Target.AsSpan(4), System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task Old_acts_and_surplus_ones_go_the_oldest_first()
    {
        for (var i = 0; i < 20; i++)
        {
            await CommitAsync(new NoteActCommand("a", "b", $"act/{i}", null, "done"));
            Clock.Advance(TimeSpan.FromDays(1));
        }
        Assert.Equal(0, await CommitAsync(new PruneAuditCommand(TimeSpan.FromDays(30), 100, 100)));
        Assert.Equal(3, await CommitAsync(new PruneAuditCommand(TimeSpan.FromDays(15), 100, 3)));
        Assert.Equal(3, await CommitAsync(new PruneAuditCommand(TimeSpan.FromDays(15), 100, 100)));
        Assert.Equal(4, await CommitAsync(new PruneAuditCommand(TimeSpan.FromDays(15), 10, 100)));
        Assert.Equal("act/10", (await ActsAsync())[^1].Target);
        Assert.Equal(10, (await ActsAsync()).Count);
        Assert.Equal(10, await CommitAsync(new PruneAuditCommand(TimeSpan.Zero, 0, 100)));
        await CommitAsync(new NoteActCommand("a", "b", "act/20", null, "done"));
        Assert.Equal(21, Assert.Single(await ActsAsync()).Number);
    }
}
