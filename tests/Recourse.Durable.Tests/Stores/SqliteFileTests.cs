using System.Text;
using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>What SQLite's files can look like, and what the store says to each.</summary>
public sealed class SqliteFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-file-");
    private readonly ManualClock _clock = new();

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<SqliteMessageStore> OpenAsync(SqliteStoreOptions? options = null)
    {
        var store = new SqliteMessageStore(options ?? new() { Path = Db }, _clock);
        await store.OpenAsync(Cancelled);
        return store;
    }

    private async Task<StoreException> RefusalAsync(string path)
    {
        await using var store = new SqliteMessageStore(path, _clock);
        return await Assert.ThrowsAsync<StoreException>(() => store.OpenAsync(Cancelled));
    }

    private static async Task<EnqueueResult> PutAsync(MessageStore store, string contentType = "text/plain", int size = 5) =>
        await store.CommitAsync(
        new EnqueueCommand(new() { Queue = "orders", Services = ["billing"], Body = new byte[size], ContentType = contentType }),
        Cancelled);

    [Fact]
    public async Task A_second_owner_is_refused_and_told_who_has_the_file()
    {
        await using var first = await OpenAsync();
        var refusal = await RefusalAsync(Db);
        Assert.Equal(StoreProblem.Locked, refusal.Problem);
        Assert.Contains($"in use by process {Environment.ProcessId} on {Environment.MachineName}", refusal.Message);
        await PutAsync(first);
        await first.DisposeAsync();
        await using var second = await OpenAsync();
        Assert.Equal(1, (await second.Queries.QueuesAsync(Cancelled))[0].Accepted);
    }

    [Fact]
    public async Task A_file_that_is_not_SQLite_is_refused_and_left_alone()
    {
        var text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("I am a letter to my aunt. ", 300)));
        await File.WriteAllBytesAsync(Db, text, Cancelled);
        var refusal = await RefusalAsync(Db);
        Assert.Equal(StoreProblem.Corrupt, refusal.Problem);
        Assert.Contains("no SQLite file", refusal.Message);
        Assert.Equal(text, await File.ReadAllBytesAsync(Db, Cancelled));
    }

    [Fact]
    public async Task The_database_of_another_program_is_refused_and_left_alone()
    {
        using (var other = new SqliteDatabase(Db, readOnly: false))
            other.Execute("CREATE TABLE contacts (name TEXT)");
        var before = await File.ReadAllBytesAsync(Db, Cancelled);
        var refusal = await RefusalAsync(Db);
        Assert.Equal(StoreProblem.Corrupt, refusal.Problem);
        Assert.Contains("another program", refusal.Message);
        Assert.Equal(before, await File.ReadAllBytesAsync(Db, Cancelled));
    }

    [Fact]
    public async Task A_newer_schema_is_refused_unless_it_says_that_this_release_may_read_it()
    {
        await (await OpenAsync()).DisposeAsync();
        using (var later = new SqliteDatabase(Db, readOnly: false))
            later.Execute("INSERT INTO schema_version VALUES (9001, 1, 0)");
        await (await OpenAsync()).DisposeAsync();
        using (var later = new SqliteDatabase(Db, readOnly: false))
            later.Execute("INSERT INTO schema_version VALUES (9002, 9002, 0)");
        var refusal = await RefusalAsync(Db);
        Assert.Equal(StoreProblem.TooNew, refusal.Problem);
        Assert.Contains("schema 9002", refusal.Message);
    }

    [Theory]
    [InlineData(":memory:")]
    [InlineData("file:test.db?mode=memory")]
    public async Task A_store_in_memory_is_refused(string path) => Assert.Contains("does not survive", (await RefusalAsync(path)).Message);

    [Fact]
    public async Task A_missing_folder_and_a_folder_for_a_file_are_named()
    {
        var missing = await RefusalAsync(Path.Combine(_folder.FullName, "no", "test.db"));
        Assert.Equal(StoreProblem.ReadOnly, missing.Problem);
        Assert.Contains("does not exist", missing.Message);
        Assert.Contains("is a folder", (await RefusalAsync(_folder.FullName)).Message);
    }

    [Fact]
    public async Task A_read_only_file_system_is_refused_in_words()
    {
        using var disk = new TinyDisk(8);
        await using (var store = new SqliteMessageStore(disk["test.db"], _clock))
            await store.OpenAsync(Cancelled);
        disk.MakeReadOnly();
        var refusal = await RefusalAsync(disk["test.db"]);
        Assert.Equal(StoreProblem.ReadOnly, refusal.Problem);
        Assert.Contains("read-only", refusal.Message);
    }

    [Fact]
    public async Task A_damaged_header_is_refused_as_corrupt()
    {
        await using (var store = await OpenAsync())
            await PutAsync(store);
        await using (var file = File.OpenWrite(Db))
            file.Write(new byte[100]);
        Assert.Equal(StoreProblem.Corrupt, (await RefusalAsync(Db)).Problem);
    }

    [Fact]
    public async Task With_a_full_disk_new_work_is_refused_reading_goes_on_and_nothing_is_lost()
    {
        using var disk = new TinyDisk(8);
        await using var store =
            new SqliteMessageStore(new SqliteStoreOptions { Path = disk["test.db"], CheckpointBytes = 256 << 10 }, _clock);
        await store.OpenAsync(Cancelled);
        var accepted = new List<Guid> { (await PutAsync(store, size: 50_000)).MessageId };
        var claim = await store.CommitAsync(new ClaimCommand("billing", 1, "n"), Cancelled);
        disk.Fill("ballast");
        StoreException? refusal = null;
        while (refusal is null)
        {
            try
            {
                accepted.Add((await PutAsync(store, size: 50_000)).MessageId);
            }
            catch (StoreException error)
            {
                refusal = error;
            }
        }
        Assert.Equal(StoreProblem.DiskFull, refusal.Problem);
        Assert.Contains("free some space", refusal.Message);
        Assert.Equal(accepted.Count, (await store.Queries.QueuesAsync(Cancelled))[0].Accepted);
        Assert.NotNull(await store.Queries.PayloadAsync(new(accepted[0], 0), Cancelled));

        File.Delete(disk["ballast"]);
        accepted.Add((await PutAsync(store, size: 50_000)).MessageId);
        var held = claim.Deliveries[0];
        Assert.True(await store.CommitAsync(
            new CompleteCommand(held.Id, held.Lease, new() { Number = 1, StartedAt = held.ClaimedAt, Outcome = "delivered" }), Cancelled));
        foreach (var id in accepted)
            Assert.NotNull(await store.Queries.MessageAsync(id, Cancelled));
    }

    [Fact]
    public async Task With_a_full_disk_dead_letters_are_read_discarded_and_purged_and_all_goes_on_when_there_is_room()
    {
        using var disk = new TinyDisk(8);
        await using var store =
            new SqliteMessageStore(new SqliteStoreOptions { Path = disk["test.db"], CheckpointBytes = 256 << 10 }, _clock);
        await store.OpenAsync(Cancelled);
        for (var i = 0; i < 12; i++)
            await PutAsync(store, size: 50_000);
        foreach (var held in (await store.CommitAsync(new ClaimCommand("billing", 10, "n"), Cancelled)).Deliveries)
        {
            var attempt = new Attempt { Number = 1, StartedAt = held.ClaimedAt, Outcome = "failed", Error = "no such customer" };
            Assert.True(await store.CommitAsync(new FailCommand(
                held.Id, held.Lease, attempt, Classification.Unknown, new(DeliveryAction.DeadLetter, null, "enough")), Cancelled));
        }
        disk.Fill("ballast");
        for (var refused = false; !refused;)
        {
            var puts = Enumerable.Range(0, 4).Select(_ => PutAsync(store, size: 50_000)).ToList();
            await Task.WhenAny(Task.WhenAll(puts));
            refused = puts.Exists(put => put.IsFaulted);
        }
        var before = (await store.Queries.QueuesAsync(Cancelled))[0];
        var dead = (await store.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, Cancelled)).Items;
        Assert.Equal(10, dead.Count);
        Assert.NotNull(await store.Queries.PayloadAsync(dead[0].Id, Cancelled));
        foreach (var letter in dead)
            Assert.Equal(DeadLetterOutcome.Done, await store.CommitAsync(new DiscardCommand(letter.Id, "ann", "no room"), Cancelled));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(10, await store.CommitAsync(new PruneCommand(TimeSpan.Zero, 100), Cancelled));
        // New work stays out while the disk is as full as it was: it would eat the room that this needed.
        Assert.Equal(StoreProblem.DiskFull, (await Assert.ThrowsAsync<StoreException>(() => PutAsync(store, size: 50_000))).Problem);

        File.Delete(disk["ballast"]);
        for (var i = 0; i < 5; i++)
            await PutAsync(store, size: 50_000);
        var after = (await store.Queries.QueuesAsync(Cancelled))[0];
        Assert.Equal((before.Accepted + 5, 10, 0), (after.Accepted, after.Discarded, after.Dead));
        StoreContract.AssertBalanced(after);
        Assert.True((await SqliteStoreFile.CheckAsync(disk["test.db"], Cancelled)).Sound);
    }

    [Fact]
    public async Task One_bad_command_fails_alone_and_its_batch_is_kept()
    {
        await using var store = await OpenAsync();
        using (var saboteur = new SqliteDatabase(Db, readOnly: false))
        {
            saboteur.Execute(
                "CREATE TRIGGER t BEFORE INSERT ON messages WHEN NEW.content_type = 'boom' BEGIN SELECT RAISE(ABORT, 'refused'); END");
        }
        // Several rounds, so that good and bad ones certainly meet in a batch: also a new queue in the same batch, which a rollback
        // forgets.
        for (var round = 0; round < 20; round++)
        {
            var puts = Enumerable.Range(0, 10).Select(i => PutAsync(store, i % 3 == 1 ? "boom" : "text/plain")).ToList();
            var other = store.CommitAsync(
                new EnqueueCommand(new() { Queue = $"q{round}", Services = [$"s{round}"], Body = new byte[1] }), Cancelled).AsTask();
            for (var i = 0; i < puts.Count; i++)
            {
                if (i % 3 == 1)
                    Assert.Contains("refused", (await Assert.ThrowsAsync<StoreException>(() => puts[i])).Message);
                else
                    Assert.Equal(EnqueueStatus.Accepted, (await puts[i]).Status);
            }
            Assert.Equal(EnqueueStatus.Accepted, (await other).Status);
        }
        var queues = await store.Queries.QueuesAsync(Cancelled);
        Assert.Equal(140, queues.Single(queue => queue.Queue == "orders").Accepted);
        Assert.Equal(20, queues.Count(queue => queue is { Accepted: 1, Waiting: 1 }));
    }

    [Fact]
    public async Task A_row_that_cannot_be_read_costs_that_row_only()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < 5; i++)
            await PutAsync(store);
        using (var saboteur = new SqliteDatabase(Db, readOnly: false))
        {
            saboteur.Execute("UPDATE messages SET headers = '{broken' WHERE sequence = 2");
            saboteur.Execute("UPDATE messages SET created_at = 9223372036854775807 WHERE sequence = 3");
            saboteur.Execute("UPDATE messages SET id = x'0102' WHERE sequence = 4");
        }
        var listed = (await store.Queries.DeliveriesAsync(new(), Cancelled)).Items;
        Assert.Equal(5, listed.Count);
        Assert.Single(listed, item => item.Error?.StartsWith("This row could not be read", StringComparison.Ordinal) == true);

        var claim = await store.CommitAsync(new ClaimCommand("billing", 10, "n"), Cancelled);
        Assert.Equal(2, claim.Deliveries.Count);
        var dead = (await store.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, Cancelled)).Items;
        Assert.Equal(3, dead.Count);
        StoreContract.AssertBalanced((await store.Queries.QueuesAsync(Cancelled))[0]);
    }

    [Fact]
    public async Task The_log_stays_within_its_bound_even_with_a_reader_that_never_ends()
    {
        var options = new SqliteStoreOptions { Path = Db, CheckpointBytes = 64 << 10, WalBytesMax = 1 << 20, Readers = 1 };
        await using var store = await OpenAsync(options);
        for (var i = 0; i < 40; i++)
            await PutAsync(store, size: 20_000);
        Assert.InRange(new FileInfo(Db + "-wal").Length, 1, (1 << 20) + (200 << 10));

        using var reader = new SqliteReaders(Db, options, _clock);
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var endless = reader.ReadAsync(
            read =>
            {
                began.SetResult();
                return read["WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n, messages"].Scalar();
            },
            Cancelled);
        await began.Task;
        // The bound ends the reads of its own pool; this one is ended the same way, by hand, and must say why.
        reader.While(() => { });
        Assert.Equal(StoreProblem.Busy, (await Assert.ThrowsAsync<StoreException>(() => endless)).Problem);
    }

    [Theory]
    [InlineData(0, 8192, "Readers is 0")]
    [InlineData(65, 8192, "Readers is 65")]
    [InlineData(4, 0, "PendingMax is 0")]
    public void Options_out_of_range_are_refused_by_name(int readers, int pending, string expected)
    {
        var error = Assert.Throws<ArgumentException>(() =>
            new SqliteMessageStore(new SqliteStoreOptions { Path = Db, Readers = readers, PendingMax = pending }));
        Assert.Contains("SqliteStoreOptions." + expected, error.Message);
    }

    [Fact]
    public async Task Claims_and_dead_letter_pages_read_their_index_and_no_more()
    {
        await (await OpenAsync()).DisposeAsync();
        using var database = new SqliteDatabase(Db, readOnly: true);
        string Plan(string sql)
        {
            var plan = database.Prepare("EXPLAIN QUERY PLAN " + sql);
            var lines = new List<string>();
            while (plan.Step())
                lines.Add(plan.Text(3));
            return string.Join('\n', lines);
        }
        var claim = Plan(
            "SELECT key, due_at FROM deliveries WHERE route = 1 AND rank = 4 AND due_at <= 2 AND state = 0 AND lane IS NULL "
            + "AND suspect = 0 ORDER BY due_at, key LIMIT 3");
        Assert.Contains("deliveries_ready", claim);
        Assert.DoesNotContain("TEMP B-TREE", claim);
        var lanes = Plan(
            "SELECT head, due_at, id FROM lanes WHERE route = 1 AND rank = 4 AND suspect = 0 AND state = 0 AND due_at <= 1 "
            + "ORDER BY due_at, head LIMIT 1");
        Assert.Contains("lanes_ready", lanes);
        Assert.DoesNotContain("TEMP B-TREE", lanes);
        foreach (var (path, index) in new (LetterPath, string)[]
        {
            (LetterPath.All, "deliveries_dead"), (LetterPath.OfRoute, "deliveries_dead_route"),
            (LetterPath.OfGroup, "deliveries_dead_group"), (LetterPath.Unsorted, "deliveries_dead_group"),
            (LetterPath.WithText, "VIRTUAL TABLE"), (LetterPath.Resolved, "letter_marks_resolved"),
            (LetterPath.ByKey, "deliveries_dead_key"),
        })
        {
            var page = Plan(path.Sql(new() { State = DeliveryState.Dead, Text = "abc", OrderKey = "k" }));
            Assert.Contains(index + " ", page);
            Assert.DoesNotContain("TEMP B-TREE", page);
        }
    }
}
