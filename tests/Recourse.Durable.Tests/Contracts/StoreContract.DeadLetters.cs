namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    [Fact]
    public async Task A_dead_letter_keeps_its_history_and_is_not_claimed()
    {
        var id = await PutAsync();
        await RetryAsync(await ClaimOneAsync(), TimeSpan.Zero);
        Clock.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await KillAsync(await ClaimOneAsync(), error: "no such customer"));
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Dead, Clock.GetUtcNow()), (seen.State, seen.DeadAt));
        Assert.Equal((FaultKind.ValidationError, Blame.Message, "no such customer"), (seen.Kind, seen.Blame, seen.Error));
        Assert.Equal("dead: permanent fault", seen.Decision);
        Assert.Equal([1, 2], seen.Attempts.Select(attempt => attempt.Number));
        Clock.Advance(TimeSpan.FromDays(30));
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.Equal(1, (await CountsAsync()).Dead);
    }

    [Fact]
    public async Task A_replay_starts_a_new_generation_due_at_once()
    {
        var id = await PutAsync();
        await RetryAsync(await ClaimOneAsync(), TimeSpan.FromSeconds(1), BadMessage);
        Clock.Advance(TimeSpan.FromSeconds(1));
        await KillAsync(await ClaimOneAsync(), Classification.Unknown);
        Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new ReplayCommand(id, "ann", "the service was fixed")));

        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Waiting, 1), (seen.State, seen.Generation));
        Assert.Null(seen.DeadAt);
        Assert.Equal("replay: by ann: the service was fixed", seen.Decision);
        var claimed = await ClaimOneAsync();
        Assert.Equal((3, 1, 1), (claimed.Attempt, claimed.AttemptInGeneration, claimed.Generation));
        Assert.Equal((0, 0, 0L), (claimed.MessageFaults, claimed.UnknownFaults, claimed.LastDelayMs));
        Assert.Equal((Clock.GetUtcNow().AddHours(-2).AddSeconds(-1), Clock.GetUtcNow()), (claimed.CreatedAt, claimed.GenerationAt));
        await CompleteAsync(claimed);
        Assert.Equal([0, 0, 1], (await ReadAsync(id)).Attempts.Select(attempt => attempt.Generation));
    }

    [Fact]
    public async Task The_idempotency_key_stays_while_an_attempt_may_have_had_an_effect()
    {
        var id = await PutAsync();
        var first = await ClaimOneAsync();
        Assert.Equal(id.MessageId.ToString("D"), first.IdempotencyKey);
        await RetryAsync(first, TimeSpan.Zero, CutOff);
        await KillAsync(await ClaimOneAsync());
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.Equal(first.IdempotencyKey, (await ClaimOneAsync()).IdempotencyKey);
        Assert.Equal(first.IdempotencyKey, (await ReadAsync(id)).IdempotencyKey);
    }

    [Fact]
    public async Task The_idempotency_key_changes_with_the_generation_when_no_attempt_had_an_effect()
    {
        var id = await PutAsync();
        await KillAsync(await ClaimOneAsync());
        await CommitAsync(new ReplayCommand(id, "ann", null));
        var second = await ClaimOneAsync();
        Assert.Equal($"{id.MessageId:D}.g1", second.IdempotencyKey);
        await KillAsync(second, CutOff);
        await CommitAsync(new ReplayCommand(id, "ann", null));
        Assert.Equal($"{id.MessageId:D}.g1", (await ClaimOneAsync()).IdempotencyKey);
    }

    [Fact]
    public async Task Only_what_is_dead_is_replayed_or_discarded()
    {
        var id = await PutAsync();
        var nobody = new DeliveryId(Guid.CreateVersion7(), 0);
        Assert.Equal(DeadLetterOutcome.NotFound, await CommitAsync(new ReplayCommand(nobody, "ann", null)));
        Assert.Equal(DeadLetterOutcome.NotFound, await CommitAsync(new DiscardCommand(id with { Index = 1 }, "ann", null)));
        Assert.Equal(DeadLetterOutcome.NotFound, await CommitAsync(new DiscardCommand(id with { Index = 999 }, "ann", null)));
        Assert.Equal(DeadLetterOutcome.NotDead, await CommitAsync(new ReplayCommand(id, "ann", null)));
        var claimed = await ClaimOneAsync();
        Assert.Equal(DeadLetterOutcome.NotDead, await CommitAsync(new DiscardCommand(id, "ann", null)));
        await KillAsync(claimed);
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new ReplayCommand(id, "ann", null)));
        Assert.Equal(DeadLetterOutcome.NotDead, await CommitAsync(new ReplayCommand(id, "bob", null)));
    }

    [Fact]
    public async Task A_discarded_letter_is_put_away_for_good()
    {
        var id = await PutAsync();
        await KillAsync(await ClaimOneAsync());
        Assert.Equal(DeadLetterOutcome.Done, await CommitAsync(new DiscardCommand(id, "ann", "a test order")));
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Discarded, "discard: by ann: a test order"), (seen.State, seen.Decision));
        Assert.Null(seen.DeadAt);
        Assert.Equal(DeadLetterOutcome.NotDead, await CommitAsync(new ReplayCommand(id, "ann", null)));
        Assert.Equal((0, 1), ((await CountsAsync()).Dead, (await CountsAsync()).Discarded));
    }

    [Fact]
    public async Task What_was_in_hand_at_a_crash_is_suspect_and_claimed_apart()
    {
        var id = await PutAsync();
        await PutAsync("other");
        await ClaimOneAsync();
        Assert.Equal(new StoreOpening(1, 0), await RestartAsync());
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Waiting, true, FaultKind.ProcessCrashed), (seen.State, seen.Suspect, seen.Kind));
        var attempt = Assert.Single(seen.Attempts);
        Assert.Equal(("crashed", "node-1", Applied.Maybe), (attempt.Outcome, attempt.Node, attempt.Applied));
        Assert.Null(attempt.DurationMs);

        var others = await ClaimAsync();
        Assert.NotEqual(id, Assert.Single(others.Deliveries).Id);
        Assert.Null(others.NextDueAt);
        var suspect = await ClaimOneAsync(suspects: true);
        Assert.Equal((id, 2, true, 0), (suspect.Id, suspect.Attempt, suspect.Suspect, suspect.CrashesAlone));
        await RetryAsync(suspect, TimeSpan.Zero);
        Assert.False((await ReadAsync(id)).Suspect);
        Assert.Equal(id, (await ClaimOneAsync()).Id);
    }

    [Fact]
    public async Task A_released_suspect_stays_suspect()
    {
        await PutAsync();
        await ClaimOneAsync();
        await RestartAsync();
        var suspect = await ClaimOneAsync(suspects: true);
        await CommitAsync(new ReleaseCommand(suspect.Id, suspect.Lease));
        await RestartAsync();
        Assert.Equal(0, (await ClaimOneAsync(suspects: true)).CrashesAlone);
    }

    [Fact]
    public async Task Three_crashes_alone_make_a_poison_message()
    {
        var id = await PutAsync();
        await ClaimOneAsync();
        for (var crash = 0; crash < 3; crash++)
        {
            Assert.Equal(new StoreOpening(1, 0), await RestartAsync());
            Assert.Equal(crash, (await ClaimOneAsync(suspects: true)).CrashesAlone);
        }
        Assert.Equal(new StoreOpening(1, 1), await RestartAsync());
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Dead, FaultKind.PoisonMessage, 4), (seen.State, seen.Kind, seen.AttemptCount));
        Assert.Contains("3 times", seen.Decision);
        Assert.Equal(Clock.GetUtcNow(), seen.DeadAt);

        await CommitAsync(new ReplayCommand(id, "ann", null));
        var replayed = await ClaimOneAsync();
        Assert.Equal((false, 0), (replayed.Suspect, replayed.CrashesAlone));
    }

    [Fact]
    public async Task Crashes_in_company_do_not_make_poison()
    {
        await PutAsync();
        for (var crash = 0; crash < 6; crash++)
        {
            var claimed = crash % 2 == 0 ? await ClaimOneAsync() : await ClaimOneAsync(suspects: true);
            if (crash % 2 == 1)
                await RetryAsync(claimed, TimeSpan.Zero);
            else
                Assert.Equal(0, (await RestartAsync()).Poisoned);
        }
        Assert.Equal(1, (await CountsAsync()).Waiting);
    }

    [Fact]
    public async Task Pruning_removes_what_is_finished_and_old_a_slice_at_a_time_and_keeps_the_totals()
    {
        var ids = new List<DeliveryId>();
        for (var i = 0; i < 5; i++)
        {
            ids.Add(await PutAsync($"{i}"));
            await CompleteAsync(await ClaimOneAsync());
        }
        var dead = await PutAsync("dead");
        await KillAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromMinutes(30));
        var fresh = await PutAsync("fresh");
        await CompleteAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromMinutes(30));

        Assert.Equal(3, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 3)));
        Assert.Null(await MessageAsync(ids[2].MessageId));
        Assert.NotNull(await MessageAsync(ids[3].MessageId));
        Assert.Equal(2, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 3)));
        Assert.Equal(0, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 3)));
        Assert.NotNull(await MessageAsync(dead.MessageId));
        Assert.NotNull(await MessageAsync(fresh.MessageId));
        var counts = await CountsAsync();
        Assert.Equal((7, 6, 1), (counts.Accepted, counts.Delivered, counts.Dead));
        Assert.Null(await PayloadAsync(ids[0]));
        await RestartAsync();
        Assert.Equal(7, (await CountsAsync()).Accepted);
    }

    [Fact]
    public async Task Pruning_waits_for_the_last_delivery_of_a_message_and_is_not_held_up_by_it()
    {
        var both = (await EnqueueAsync(Message(services: ["billing", "mail"]))).MessageId;
        await CompleteAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromHours(1));
        var single = await PutAsync();
        await CompleteAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 1)));
        Assert.Null(await MessageAsync(single.MessageId));
        var mail = await ClaimOneAsync("mail");
        await KillAsync(mail);
        await CommitAsync(new DiscardCommand(mail.Id, "ann", null));
        Assert.Equal(0, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 1)));
        Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 1)));
        Assert.Null(await MessageAsync(both));
    }

    [Fact]
    public async Task A_key_outlives_its_pruned_message_until_its_window_ends()
    {
        var first = await EnqueueAsync(Message("a", key: "k1"));
        await CompleteAsync(await ClaimOneAsync());
        Clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal(1, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 10)));
        Assert.Equal(new(EnqueueStatus.Duplicate, first.MessageId), await EnqueueAsync(Message("a", key: "k1")));
        Clock.Advance(TimeSpan.FromHours(22));
        Assert.Equal(0, await CommitAsync(new PruneCommand(TimeSpan.FromHours(1), 10)));
        Assert.Equal(EnqueueStatus.Accepted, (await EnqueueAsync(Message("b", key: "k1"))).Status);
    }

    [Fact]
    public async Task Ids_still_rise_after_everything_was_pruned()
    {
        var first = await PutAsync();
        await CompleteAsync(await ClaimOneAsync());
        await CommitAsync(new PruneCommand(TimeSpan.Zero, 10));
        await RestartAsync();
        var second = await PutAsync();
        Assert.True(first.MessageId.CompareTo(second.MessageId) < 0);
        Assert.Equal(second, (await ClaimOneAsync()).Id);
    }
}
