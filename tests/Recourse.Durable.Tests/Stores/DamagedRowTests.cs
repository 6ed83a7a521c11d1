using System.Globalization;
using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>
/// Cells of a stored file overwritten with what no release would write, drawn from a seed. Nothing but a <see cref="StoreException"/> may
/// come of it, the writer lives on, and messages that were not touched are delivered.
/// </summary>
public sealed class DamagedRowTests : IDisposable
{
    private static readonly int Files = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 2_000 : 60;

    private static readonly string[] Values =
    [
        "NULL", "0", "-1", "7", "9223372036854775807", "-9223372036854775808", "1.5e300", "''", "'rubbish'", "x''", "x'00ff00'",
        "'{\"a\":'", "zeroblob(70000)", "'2026-01-01'", "x'c328'",
    ];

    // The rows that others lean on are not drawn: routes, names and the owner. What becomes of those is refused at the next start.
    private static readonly string[] Tables = ["messages", "deliveries", "attempts", "idempotency", "lanes"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-rows-");
    private readonly ManualClock _clock = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Cells_full_of_rubbish_cost_their_own_messages_at_most()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var given) ? given : Random.Shared.Next(1 << 30);
        TestContext.Current.TestOutputHelper!.WriteLine($"first seed {seed}");
        for (var file = 0; file < (given > 0 ? 1 : Files); file++)
            await OneFileAsync(seed + file);
    }

    private async Task OneFileAsync(int seed)
    {
        var random = new Random(seed);
        var path = Path.Combine(_folder.FullName, $"{seed}.db");
        List<Guid> ids;
        await using (var store = await OpenAsync(path))
            ids = await FillAsync(store);
        var touched = new HashSet<long>();
        var story = new List<string> { $"seed {seed}" };
        using (var database = new SqliteDatabase(path, readOnly: false))
        {
            database.Execute("PRAGMA ignore_check_constraints = ON");
            for (var cell = random.Next(1, 6); cell > 0; cell--)
                Damage(database, random, touched, story);
        }

        await using var damaged = await OpenAsync(path);
        await LookAsync(damaged, ids);
        // A fresh message in a queue of its own is delivered, whatever lies about it.
        var fresh = await PutAsync(damaged, "fresh", "fresh-service", null);
        var claim = await damaged.CommitAsync(new ClaimCommand("fresh-service", 5, "n"), Cancelled);
        Assert.Equal([fresh], claim.Deliveries.Select(delivery => delivery.Id.MessageId));
        await EndAsync(damaged, claim.Deliveries[0], dead: false);
        var claimed = new HashSet<Guid>();
        for (var round = 0; round < 6; round++)
        {
            try
            {
                foreach (var delivery in (await damaged.CommitAsync(new ClaimCommand("x", 20, "n"), Cancelled)).Deliveries)
                {
                    claimed.Add(delivery.Id.MessageId);
                    await EndAsync(damaged, delivery, random.Next(3) == 0);
                }
            }
            catch (StoreException error)
            {
                // Refused in words; the next command gets its own try.
                story.Add(error.Message);
            }
        }
        await LookAsync(damaged, ids);
        Assert.Equal(EnqueueStatus.Accepted, (await damaged.CommitAsync(Enqueue("fresh", "fresh-service", null), Cancelled)).Status);
        for (var i = 0; i < ids.Count; i++)
        {
            var plain = i % 3 > 0; // Those in the lane wait behind what was damaged in it.
            if (plain && !touched.Contains(i + 1))
                Assert.True(claimed.Contains(ids[i]),
                    $"message {i + 1} was not touched, and was not delivered\n{string.Join('\n', story)}");
        }
    }

    [Theory]
    [InlineData(null, false, "")]
    [InlineData("lane", false, "")]
    [InlineData(null, true, "")]
    [InlineData("lane", false, "UPDATE deliveries SET lane = NULL")]
    public async Task A_delivery_whose_message_is_gone_is_looked_at_once(string? lane, bool suspects, string more)
    {
        var path = Path.Combine(_folder.FullName, "gone.db");
        await using (var store = await OpenAsync(path))
        {
            await PutAsync(store, "q", "x", lane);
            await PutAsync(store, "q", "x", null);
            // In hand when the process ends, so suspect for the next one.
            if (suspects)
                Assert.Equal(2, (await store.CommitAsync(new ClaimCommand("x", 2, "n"), Cancelled)).Deliveries.Count);
        }
        using (var database = new SqliteDatabase(path, readOnly: false))
            database.Execute($"DELETE FROM messages WHERE sequence = 1; {more}");
        await using var damaged = await OpenAsync(path);
        var first = await damaged.CommitAsync(new ClaimCommand("x", 1, "n") { Suspects = suspects }, Cancelled);
        Assert.Single(first.Deliveries);
        Assert.Null(first.NextDueAt);
        var second = await damaged.CommitAsync(new ClaimCommand("x", 1, "n") { Suspects = suspects }, Cancelled);
        Assert.Empty(second.Deliveries);
        Assert.Null(second.NextDueAt);
        var letter = Assert.Single((await damaged.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, Cancelled)).Items);
        Assert.Contains("message is not there", letter.Decision ?? letter.Error, StringComparison.Ordinal);
        var books = Assert.Single(await damaged.Queries.QueuesAsync(Cancelled));
        Assert.Equal((0, 1, 1), (books.Waiting, books.Leased, books.Dead));
    }

    [Theory]
    [InlineData("UPDATE deliveries SET route = x'00ff00' WHERE key >> 8 = 1")]
    [InlineData("UPDATE deliveries SET route = 77, expires_at = 0 WHERE key >> 8 = 1")]
    public async Task A_head_whose_route_is_not_there_leaves_its_lane_to_the_next(string damage)
    {
        var path = Path.Combine(_folder.FullName, "astray.db");
        await using (var store = await OpenAsync(path))
        {
            await PutAsync(store, "q", "x", "lane");
            await PutAsync(store, "q", "x", "lane");
        }
        using (var database = new SqliteDatabase(path, readOnly: false))
            database.Execute($"PRAGMA ignore_check_constraints = ON; {damage}");
        await using var damaged = await OpenAsync(path);
        await damaged.CommitAsync(new ExpireCommand(10), Cancelled);
        List<ClaimedDelivery> claimed = [];
        for (var round = 0; round < 2; round++)
            claimed.AddRange((await damaged.CommitAsync(new ClaimCommand("x", 1, "n"), Cancelled)).Deliveries);
        await EndAsync(damaged, Assert.Single(claimed), dead: false);
        Assert.Equal(1, (await damaged.Queries.QueuesAsync(Cancelled)).Sum(queue => queue.Delivered));
    }

    [Fact]
    public async Task A_key_that_leads_to_no_message_costs_itself_and_not_the_keys_behind_it()
    {
        var path = Path.Combine(_folder.FullName, "key.db");
        static EnqueueCommand Keyed(string key) =>
            new(new() { Queue = "q", Services = ["x"], Body = new byte[] { 1 }, IdempotencyKey = key });
        await using (var store = await OpenAsync(path))
            await store.CommitAsync(Keyed("bad"), Cancelled);
        using (var database = new SqliteDatabase(path, readOnly: false))
            database.Execute("PRAGMA ignore_check_constraints = ON; UPDATE idempotency SET message = x'00'");
        await using var damaged = await OpenAsync(path);
        // By itself, and in a batch, where it is tried with a savepoint.
        await Assert.ThrowsAsync<StoreException>(() => damaged.CommitAsync(Keyed("bad"), Cancelled).AsTask());
        Assert.Equal(EnqueueStatus.Accepted, (await damaged.CommitAsync(Keyed("good"), Cancelled)).Status);
        var others = Enumerable.Range(0, 50).SelectMany(number => (EnqueueCommand[])[Keyed("bad"), Keyed($"good {number}")])
            .Select(command => damaged.CommitAsync(command, Cancelled).AsTask()).ToList();
        await Task.WhenAny(Task.WhenAll(others));
        Assert.Equal(50, others.Count(other => other.IsFaulted && other.Exception!.InnerException is StoreException));
        Assert.Equal(50, others.Count(other => other.IsCompletedSuccessfully && other.Result.Status is EnqueueStatus.Accepted));
    }

    [Fact]
    public void A_statement_that_an_error_left_between_two_rows_can_be_used_again()
    {
        using var database = new SqliteDatabase(Path.Combine(_folder.FullName, "open.db"), readOnly: false);
        var statement = database.Prepare("SELECT ?1 UNION SELECT ?1 + 1");
        Assert.True(statement.Bind(1, 7).Step());
        Assert.Throws<SqliteFailure>(() => statement.Bind(1, 8));
        database.ResetAll();
        Assert.Equal(8, statement.Bind(1, 8).Scalar());
    }

    private static void Damage(SqliteDatabase database, Random random, HashSet<long> touched, List<string> story)
    {
        var table = Tables[random.Next(Tables.Length)];
        var columns = new List<string>();
        var info = database.Prepare($"SELECT name FROM pragma_table_info('{table}') WHERE pk = 0");
        while (info.Step())
            columns.Add(info.Text(0));
        var (column, value) = (columns[random.Next(columns.Count)], Values[random.Next(Values.Length)]);
        var row = random.Next(12).ToString(CultureInfo.InvariantCulture);
        var (key, of) = table switch
        {
            "messages" => ("sequence", "sequence"),
            "deliveries" => ("key", "key / 256"),
            "attempts" => ("delivery", "delivery / 256"),
            "lanes" => ("id", "0"),
            _ => ("key", "0"),
        };
        try
        {
            var found = database.Number($"SELECT {of} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {row}");
            touched.Add(found ?? 0);
            var damage = $"UPDATE {table} SET {column} = {value} WHERE {key} = "
                + $"(SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {row})";
            database.Execute(damage);
            story.Add(damage);
        }
        catch (SqliteFailure)
        {
            // NOT NULL, UNIQUE or the type of a rowid: SQLite itself will not have it.
        }
    }

    private static async Task<List<Guid>> FillAsync(MessageStore store)
    {
        var ids = new List<Guid>();
        for (var i = 0; i < 12; i++)
            ids.Add(await PutAsync(store, "q", "x", i % 3 == 0 ? "lane" : null));
        foreach (var delivery in (await store.CommitAsync(new ClaimCommand("x", 4, "n"), Cancelled)).Deliveries)
            await EndAsync(store, delivery, dead: null);
        return ids;
    }

    /// <summary>Everything that people look at.</summary>
    private static async Task LookAsync(MessageStore store, List<Guid> ids)
    {
        var queries = store.Queries;
        List<Func<Task>> looks =
        [
            () => queries.QueuesAsync(Cancelled),
            () => queries.ServicesAsync(Cancelled),
            .. new DeliveryState?[] { null, DeliveryState.Dead, DeliveryState.Waiting, DeliveryState.Delivered }.Select(state =>
                (Func<Task>)(() => queries.DeliveriesAsync(new() { State = state, Limit = 100 }, Cancelled))),
            .. ids.Select(id => (Func<Task>)(() => queries.MessageAsync(id, Cancelled))),
            .. ids.Select(id => (Func<Task>)(() => queries.PayloadAsync(new(id, 0), Cancelled))),
            .. ids.Select(id => (Func<Task>)(async () => await store.CommitAsync(new ReplayCommand(id: new(id, 0), "ann", null),
                Cancelled))),
            async () => await store.CommitAsync(new PruneCommand(TimeSpan.FromDays(1), 10), Cancelled),
        ];
        foreach (var look in looks)
        {
            try
            {
                await look();
            }
            catch (StoreException)
            {
                // In words, and only this look.
            }
        }
    }

    private static async Task EndAsync(MessageStore store, ClaimedDelivery delivery, bool? dead)
    {
        var attempt = new Attempt { Number = delivery.Attempt, StartedAt = delivery.ClaimedAt, Outcome = "failed", Error = "drawn" };
        StoreCommand<bool> command = dead switch
        {
            false => new CompleteCommand(delivery.Id, delivery.Lease, attempt),
            true => new FailCommand(delivery.Id, delivery.Lease, attempt, Classification.Unknown, new(DeliveryAction.DeadLetter, null,
                "drawn")),
            null => new FailCommand(
                delivery.Id, delivery.Lease, attempt, Classification.Unknown, new(DeliveryAction.Retry, delivery.ClaimedAt, "drawn")),
        };
        try
        {
            await store.CommitAsync(command, Cancelled);
        }
        catch (StoreException)
        {
            // Its row is damaged: the lease ends with the next start.
        }
    }

    private static EnqueueCommand Enqueue(string queue, string service, string? lane) => new(
        new() { Queue = queue, Services = [service], Body = new byte[5], OrderKey = lane, IdempotencyKey = Guid.NewGuid().ToString() });

    private static async Task<Guid> PutAsync(MessageStore store, string queue, string service, string? lane) =>
        (await store.CommitAsync(Enqueue(queue, service, lane), Cancelled)).MessageId;

    private async Task<SqliteMessageStore> OpenAsync(string path)
    {
        var store = new SqliteMessageStore(path, _clock);
        await store.OpenAsync(Cancelled);
        return store;
    }
}
