namespace Recourse.Durable.Tests;

public abstract partial class StoreContract
{
    [Fact]
    public async Task Claims_come_in_the_order_of_due_times_and_then_of_arrival()
    {
        var ids = new List<DeliveryId>();
        for (var i = 0; i < 4; i++)
            ids.Add(await PutAsync($"{i}"));
        var first = await ClaimOneAsync();
        Assert.Equal(ids[0], first.Id);
        Assert.True(await RetryAsync(first, TimeSpan.FromSeconds(1)));
        Clock.Advance(TimeSpan.FromSeconds(2));
        var late = await PutAsync("late");
        Assert.Equal([ids[1], ids[2], ids[3], ids[0], late], (await ClaimAsync()).Deliveries.Select(delivery => delivery.Id));
    }

    [Fact]
    public async Task A_claim_takes_no_more_than_asked_only_of_its_service_and_nothing_twice()
    {
        for (var i = 0; i < 5; i++)
            await EnqueueAsync(Message(services: ["billing", "mail"]));
        Assert.Equal(3, (await ClaimAsync(3)).Deliveries.Count);
        Assert.Equal(2, (await ClaimAsync(3)).Deliveries.Count);
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.Equal(5, (await ClaimAsync(9, "mail")).Deliveries.Count);
        Assert.Empty((await ClaimAsync(9, "nobody")).Deliveries);
        Assert.Equal(10, (await CountsAsync()).Leased);
    }

    [Fact]
    public async Task A_claim_merges_the_queues_of_a_service_by_arrival()
    {
        var ids = new List<Guid>();
        for (var i = 0; i < 6; i++)
            ids.Add((await EnqueueAsync(Message(queue: i % 2 == 0 ? "a" : "b", orderKey: i == 3 ? "key" : null))).MessageId);
        Assert.Equal(ids[..4], (await ClaimAsync(4)).Deliveries.Select(delivery => delivery.Id.MessageId));
    }

    [Fact]
    public async Task The_next_due_time_is_told_and_null_when_nothing_waits()
    {
        Assert.Null((await ClaimAsync()).NextDueAt);
        await PutAsync();
        await PutAsync();
        var claim = await ClaimAsync(1);
        Assert.Equal(Clock.GetUtcNow(), claim.NextDueAt);
        Assert.True(await CompleteAsync(await ClaimOneAsync()));
        await RetryAsync(claim.Deliveries[0], TimeSpan.FromSeconds(30));
        Assert.Equal(Clock.GetUtcNow().AddSeconds(30), (await ClaimAsync()).NextDueAt);
        Assert.Null((await ClaimAsync(suspects: true)).NextDueAt);
    }

    [Fact]
    public async Task An_attempt_is_counted_when_it_begins()
    {
        var id = await PutAsync();
        await ClaimOneAsync();
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Leased, 1), (seen.State, seen.AttemptCount));
    }

    [Fact]
    public async Task A_completed_delivery_is_delivered_with_its_attempt_and_never_claimed_again()
    {
        var id = await PutAsync();
        Assert.True(await CompleteAsync(await ClaimOneAsync()));
        var seen = await ReadAsync(id);
        Assert.Equal(DeliveryState.Delivered, seen.State);
        var attempt = Assert.Single(seen.Attempts);
        Assert.Equal(
            new Attempt
            {
                Number = 1,
                StartedAt = Clock.GetUtcNow(),
                DurationMs = 12,
                Outcome = "delivered",
                Status = "204",
                Node = "node-1",
                Applied = Applied.Yes,
            },
            attempt);
        Clock.Advance(TimeSpan.FromDays(1));
        Assert.Empty((await ClaimAsync()).Deliveries);
        Assert.Equal((1, 1), ((await CountsAsync()).Accepted, (await CountsAsync()).Delivered));
    }

    [Fact]
    public async Task A_failed_attempt_waits_for_its_time_with_fault_and_decision()
    {
        var id = await PutAsync();
        Assert.True(await RetryAsync(await ClaimOneAsync(), TimeSpan.FromSeconds(5), error: "no answer"));
        var seen = await ReadAsync(id);
        Assert.Equal(DeliveryState.Delayed, seen.State);
        Assert.Equal(Clock.GetUtcNow().AddSeconds(5), seen.DueAt);
        Assert.Equal((FaultKind.ServiceUnavailable, Persistence.Transient, Blame.Service), (seen.Kind, seen.Persistence, seen.Blame));
        Assert.Equal(("no answer", "retry: service fault, retry"), (seen.Error, seen.Decision));
        var attempt = Assert.Single(seen.Attempts);
        Assert.Equal(("failed", FaultKind.ServiceUnavailable, Applied.No, "no answer"),
            (attempt.Outcome, attempt.Kind, attempt.Applied, attempt.Error));
        Assert.Equal((0, 1), ((await CountsAsync()).Waiting, (await CountsAsync()).Delayed));

        Assert.Empty((await ClaimAsync()).Deliveries);
        Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((1, 0), ((await CountsAsync()).Waiting, (await CountsAsync()).Delayed));
        var again = await ClaimOneAsync();
        Assert.Equal((id, 2, 2, 5000L), (again.Id, again.Attempt, again.AttemptInGeneration, again.LastDelayMs));
    }

    [Fact]
    public async Task Faults_of_the_message_and_unknown_ones_are_counted_apart_from_the_service()
    {
        await PutAsync();
        foreach (var fault in new[] { ServiceDown, BadMessage, Classification.Unknown, BadMessage })
            await RetryAsync(await ClaimOneAsync(), TimeSpan.Zero, fault);
        var claimed = await ClaimOneAsync();
        Assert.Equal((5, 2, 1), (claimed.AttemptInGeneration, claimed.MessageFaults, claimed.UnknownFaults));
    }

    [Fact]
    public async Task A_decision_may_give_the_fault_another_kind()
    {
        var claimed = (await PutAsync(), await ClaimOneAsync()).Item2;
        var decision = new DeliveryDecision(DeliveryAction.DeadLetter, null, "not repeatable") { Kind = FaultKind.OutcomeUnknown };
        Assert.True(await CommitAsync(new FailCommand(claimed.Id, claimed.Lease, Attempt(claimed, "cut"), CutOff, decision)));
        var seen = await ReadAsync(claimed.Id);
        Assert.Equal((DeliveryState.Dead, FaultKind.OutcomeUnknown, Clock.GetUtcNow()), (seen.State, seen.Kind, seen.DeadAt));
        Assert.Equal(FaultKind.OutcomeUnknown, seen.Attempts[0].Kind);
    }

    [Fact]
    public async Task An_old_lease_changes_nothing()
    {
        var id = await PutAsync();
        var old = await ClaimOneAsync();
        Assert.True(await RetryAsync(old, TimeSpan.Zero));
        var current = await ClaimOneAsync();
        Assert.True(current.Lease > old.Lease);

        Assert.False(await CompleteAsync(old));
        Assert.False(await KillAsync(old));
        Assert.False(await RetryAsync(old, TimeSpan.FromHours(1)));
        Assert.False(await CommitAsync(new ReleaseCommand(id, old.Lease)));
        var seen = await ReadAsync(id);
        Assert.Equal((DeliveryState.Leased, 2), (seen.State, seen.AttemptCount));
        Assert.Single(seen.Attempts);

        Assert.True(await CompleteAsync(current));
        Assert.False(await CompleteAsync(current));
        Assert.False(await CommitAsync(new CompleteCommand(new(Guid.CreateVersion7(), 0), 1, Attempt(current))));
        Assert.Equal(1, (await CountsAsync()).Delivered);
    }

    [Fact]
    public async Task A_lease_of_an_earlier_boot_is_old()
    {
        await PutAsync();
        var old = await ClaimOneAsync();
        await RestartAsync();
        Assert.False(await CompleteAsync(old));
        var current = await ClaimOneAsync(suspects: true);
        Assert.True(current.Lease > old.Lease);
        Assert.False(await CompleteAsync(old));
        Assert.True(await CompleteAsync(current));
    }

    [Fact]
    public async Task A_released_claim_is_not_counted_and_keeps_its_place()
    {
        var first = await PutAsync("1");
        await PutAsync("2");
        var claimed = await ClaimOneAsync();
        Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await CommitAsync(new ReleaseCommand(claimed.Id, claimed.Lease)));
        var seen = await ReadAsync(first);
        Assert.Equal((DeliveryState.Waiting, 0, false), (seen.State, seen.AttemptCount, seen.Suspect));
        var again = await ClaimOneAsync();
        Assert.Equal((first, 1), (again.Id, again.Attempt));
        Assert.True(again.Lease > claimed.Lease);
    }

    [Fact]
    public async Task The_first_5_and_the_last_20_attempts_are_kept()
    {
        var id = await PutAsync();
        for (var i = 0; i < 29; i++)
            await RetryAsync(await ClaimOneAsync(), TimeSpan.Zero, error: $"failure {i + 1}");
        await CompleteAsync(await ClaimOneAsync());
        var seen = await ReadAsync(id);
        Assert.Equal([1, 2, 3, 4, 5, .. Enumerable.Range(11, 20)], seen.Attempts.Select(attempt => attempt.Number));
        Assert.Equal(("failure 29", 30), (seen.Error, seen.AttemptCount));
    }

    [Fact]
    public async Task A_long_error_is_kept_to_2000_characters()
    {
        var id = await PutAsync();
        await RetryAsync(await ClaimOneAsync(), TimeSpan.Zero, error: new string('x', 1998) + "😀 and more");
        var seen = await ReadAsync(id);
        Assert.Equal(new string('x', 1998) + "…", seen.Error);
        Assert.Equal(seen.Error, seen.Attempts[0].Error);
    }

    [Fact]
    public async Task What_no_text_of_a_store_can_hold_is_kept_as_a_mark_in_the_texts_of_attempts()
    {
        var failed = await PutAsync("fails");
        const string Error = "no\0 customer\u001b[31m\r\n\tseven \ud83d\ude00 \ud83d";
        Assert.True(await KillAsync(await ClaimOneAsync(), error: Error));
        var letter = await ReadAsync(failed);
        Assert.Equal("no\ufffd customer\ufffd[31m\r\n\tseven \ud83d\ude00 \ufffd", letter.Error);
        Assert.Equal(letter.Error, letter.Attempts[^1].Error);
        Assert.Equal(
            failed, Assert.Single((await ListAsync(new() { State = DeliveryState.Dead, Text = "CUSTOMER" })).Items).Id);

        await PutAsync("arrives");
        var claimed = await ClaimOneAsync();
        Assert.True(await CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, Attempt(claimed, status: "20\04"))));
        Assert.Equal("20\ufffd4", (await ReadAsync(claimed.Id)).Attempts[^1].Status);
    }
}
