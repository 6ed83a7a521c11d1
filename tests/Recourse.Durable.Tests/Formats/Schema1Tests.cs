using System.Text;
using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>A file of the first release, opened by this one: every row means what it meant.</summary>
public sealed class Schema1Tests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-schema1-");
    private readonly ManualClock _clock = new(new(2026, 3, 1, 8, 30, 0, TimeSpan.Zero));
    private SqliteMessageStore _store = null!;
    private StoreOpening _opening = null!;
    private Dictionary<string, List<StoredDelivery>> _byBody = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var path = Path.Combine(_folder.FullName, "old.db");
        OldFormat.RestoreSchema1(path);
        _store = new(path, _clock);
        _opening = await _store.OpenAsync(Cancelled);
        _byBody = [];
        foreach (var item in (await _store.Queries.DeliveriesAsync(new() { Limit = 500 }, Cancelled)).Items)
        {
            var body = Encoding.UTF8.GetString((await _store.Queries.PayloadAsync(item.Id, Cancelled))!.Body.Span);
            var number = body.Split("\"n\":")[1].Split(',')[0];
            if (!_byBody.TryGetValue(number, out var deliveries))
                _byBody.Add(number, deliveries = []);
            deliveries.Add((await _store.Queries.DeliveryAsync(item.Id, Cancelled))!);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private StoredDelivery One(int number) => Assert.Single(_byBody[$"{number}"]);

    [Fact]
    public void It_was_migrated_after_a_backup_unless_it_is_the_schema_of_today()
    {
        var today = new SqliteStoreOptions { Path = "unused" }.Migrations[^1].Version;
        if (today == 1)
            Assert.Null(_opening.Migration);
        else
            Assert.Equal((1, today, true), (_opening.Migration!.From, _opening.Migration.To, File.Exists(_opening.Migration.Backup)));
    }

    [Fact]
    public async Task The_file_is_sound_and_its_books_say_what_they_said()
    {
        var check = await SqliteStoreFile.CheckAsync(Path.Combine(_folder.FullName, "old.db"), Cancelled);
        Assert.Empty(check.Damage);
        Assert.Empty(check.BrokenRules);
        var books = (await _store.Queries.QueuesAsync(Cancelled)).ToDictionary(queue => queue.Queue, queue => (
            queue.Accepted, queue.Waiting, queue.Delayed, queue.Leased, queue.Delivered, queue.Dead, queue.Discarded, queue.Expired));
        Assert.Equal((7, 1, 1, 0, 1, 2, 1, 1), books["orders"]);
        Assert.Equal((2, 1, 0, 0, 1, 0, 0, 0), books["both"]);
        Assert.Equal((6, 5, 0, 0, 0, 1, 0, 0), books["lanes"]);
        Assert.Equal((1, 1, 0, 0, 0, 0, 0, 0), books["slow"]);
    }

    [Fact]
    public void Every_delivery_is_where_it_was()
    {
        Assert.Equal(DeliveryState.Delivered, One(1).State);
        Assert.Equal("200", Assert.Single(One(1).Attempts).Status);
        Assert.Equal((DeliveryState.Dead, FaultKind.ValidationError, Blame.Message), (One(2).State, One(2).Kind, One(2).Blame));
        Assert.Equal("ValidationError happened", One(2).Error);
        Assert.Equal((DeliveryState.Dead, FaultKind.Timeout, Blame.Service), (One(3).State, One(3).Kind, One(3).Blame));
        Assert.Equal((DeliveryState.Discarded, "discard: by ann: a test order"), (One(4).State, One(4).Decision));
        Assert.Equal((DeliveryState.Waiting, 1, "replay: by ann: mended"), (One(5).State, One(5).Generation, One(5).Decision));
        Assert.EndsWith(".g1", One(5).IdempotencyKey);
        Assert.Equal((DeliveryState.Delayed, 27), (One(6).State, One(6).AttemptCount));
        Assert.Equal([.. Enumerable.Range(1, 5), .. Enumerable.Range(8, 20)], One(6).Attempts.Select(attempt => attempt.Number));
        Assert.Equal(new(2026, 3, 1, 9, 0, 38, TimeSpan.Zero), One(6).DueAt);
        Assert.Equal(DeliveryState.Expired, One(7).State);
        Assert.Equal(["mail:Waiting", "shipping:Delivered"], _byBody["8"].Select(item => $"{item.Service}:{item.State}").Order());
        Assert.All(_byBody.Values.SelectMany(items => items), item => Assert.StartsWith("00-0af7651916cd43dd", item.TraceParent));
    }

    [Fact]
    public async Task Lanes_go_on_where_they_were()
    {
        Assert.Equal((DeliveryState.Dead, false), (One(9).State, One(9).Blocked));
        Assert.All([One(10), One(11), One(13)], item => Assert.Equal((DeliveryState.Waiting, true), (item.State, item.Blocked)));
        Assert.Equal((DeliveryState.Waiting, false), (One(14).State, One(14).Blocked));
        var claimed = (await _store.CommitAsync(new ClaimCommand("ledger", 10, "n"), Cancelled)).Deliveries;
        Assert.Equal([One(14).Id], claimed.Select(item => item.Id));
        Assert.Equal(DeadLetterOutcome.Done, await _store.CommitAsync(new ReplayCommand(One(9).Id, "ann", null), Cancelled));
        claimed = (await _store.CommitAsync(new ClaimCommand("ledger", 10, "n"), Cancelled)).Deliveries;
        Assert.Equal([One(9).Id], claimed.Select(item => item.Id));
    }

    [Fact]
    public async Task What_was_in_hand_is_suspect_and_its_old_lease_is_worth_nothing()
    {
        Assert.Equal((2, 0), (_opening.Suspects, _opening.Poisoned));
        Assert.All([One(12), One(15)], item => Assert.Equal((true, 1), (item.Suspect, item.AttemptCount)));
        var late = new CompleteCommand(One(15).Id, 1099511627812, new()
        {
            Number = 1,
            StartedAt = _clock.GetUtcNow(),
            Outcome = "delivered"
        });
        Assert.False(await _store.CommitAsync(late, Cancelled));
        var claim = await _store.CommitAsync(new ClaimCommand("archive", 1, "n") { Suspects = true }, Cancelled);
        Assert.True(Assert.Single(claim.Deliveries).Lease > 1099511627812);
    }

    [Fact]
    public async Task Idempotency_keys_are_remembered()
    {
        EnqueueCommand Again(string body) => new(new()
        {
            Queue = "orders",
            Services = ["billing"],
            Body = Encoding.UTF8.GetBytes(body),
            ContentType = "application/json",
            IdempotencyKey = "order-1",
        });
        var same = await _store.CommitAsync(Again("{\"n\":1,\"state\":\"delivered\"}"), Cancelled);
        Assert.Equal((EnqueueStatus.Duplicate, One(1).Id.MessageId), (same.Status, same.MessageId));
        Assert.Equal(EnqueueStatus.KeyConflict, (await _store.CommitAsync(Again("{}"), Cancelled)).Status);
    }

    [Fact]
    public async Task New_ids_and_sequences_come_after_the_old_ones()
    {
        var put = await _store.CommitAsync(new EnqueueCommand(new() { Queue = "orders", Services = ["billing"], Body = new byte[1] }),
            Cancelled);
        Assert.All(_byBody.Values, items => Assert.True(put.MessageId.CompareTo(items[0].Id.MessageId) > 0));
        Assert.Equal(put.MessageId, (await _store.Queries.DeliveriesAsync(new() { Limit = 1 }, Cancelled)).Items[0].Id.MessageId);
    }
}
