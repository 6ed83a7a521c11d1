using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>Backups made under way and restored, and the look through a file.</summary>
public sealed class SqliteBackupTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-backup-");
    private readonly ManualClock _clock = new();

    private string Db => this["test.db"];

    private string this[string name] => Path.Combine(_folder.FullName, name);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<SqliteMessageStore> OpenAsync(string? path = null)
    {
        var store = new SqliteMessageStore(path ?? Db, _clock);
        await store.OpenAsync(Cancelled);
        return store;
    }

    private static async Task<Guid> PutAsync(MessageStore store, int size = 100, string? key = null) => (await store.CommitAsync(
        new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[size], OrderKey = key }), Cancelled)).MessageId;

    [Fact]
    public async Task A_backup_made_while_others_write_has_all_that_was_acknowledged_before_it_and_is_sound()
    {
        await using var store = await OpenAsync();
        var before = new List<Guid>();
        for (var i = 0; i < 300; i++)
            before.Add(await PutAsync(store, 20_000, $"lane {i % 7}"));
        using var enough = new CancellationTokenSource();
        var during = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var count = 0;
            for (; !enough.IsCancellationRequested; count++)
                await PutAsync(store, 2_000);
            return count;
        }, Cancelled)).ToList();
        var backup = await store.BackupAsync(this["copy.db"], Cancelled);
        await enough.CancelAsync();
        var written = (await Task.WhenAll(during)).Sum();
        Assert.True(written > 0, "Nobody wrote while the copy was made.");

        Assert.Equal(new FileInfo(this["copy.db"]).Length, backup.Bytes);
        Assert.Equal(["copy.db"], _folder.GetFiles("copy.db*").Select(file => file.Name));
        Assert.True((await SqliteStoreFile.CheckAsync(backup.Path, Cancelled)).Sound);
        await using var copy = await OpenAsync(backup.Path);
        foreach (var id in before)
            Assert.NotNull(await copy.Queries.MessageAsync(id, Cancelled));
        StoreContract.AssertBalanced((await copy.Queries.QueuesAsync(Cancelled))[0]);
    }

    [Fact]
    public async Task A_backup_overwrites_nothing_and_leaves_nothing_when_it_fails()
    {
        await using var store = await OpenAsync();
        await PutAsync(store);
        await File.WriteAllTextAsync(this["mine.txt"], "mine", Cancelled);
        Assert.Contains("never overwrites", (await Assert.ThrowsAsync<StoreException>(() =>
            store.BackupAsync(this["mine.txt"], Cancelled))).Message);
        Assert.Contains("does not exist", (await Assert.ThrowsAsync<StoreException>(() =>
            store.BackupAsync(this["no/copy.db"], Cancelled))).Message);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.BackupAsync(this["copy.db"], new(canceled: true)));
        Assert.Equal("mine", await File.ReadAllTextAsync(this["mine.txt"], Cancelled));
        Assert.Empty(_folder.GetFiles("*.part*"));
        Assert.Empty(_folder.GetFiles("copy.db*"));
        await store.BackupAsync(this["copy.db"], Cancelled);
    }

    [Fact]
    public async Task A_backup_to_a_full_disk_fails_in_words_and_the_store_goes_on()
    {
        using var disk = new TinyDisk(1);
        await using var store = await OpenAsync();
        for (var i = 0; i < 60; i++)
            await PutAsync(store, 40_000);
        var failure = await Assert.ThrowsAsync<StoreException>(() => store.BackupAsync(disk["copy.db"], Cancelled));
        Assert.Equal(StoreProblem.DiskFull, failure.Problem);
        Assert.Contains("copy.db", failure.Message);
        Assert.Contains("the disk is full", failure.Message);
        Assert.DoesNotContain("not an error", failure.Message);
        Assert.Empty(Directory.GetFiles(disk.Path));
        await PutAsync(store);
        await store.BackupAsync(this["copy.db"], Cancelled);
    }

    [Fact]
    public async Task A_look_beside_the_owner_counts_what_stands_only_in_the_log_yet()
    {
        await using var store = await OpenAsync();
        for (var i = 0; i < 20; i++)
            await PutAsync(store, 20_000);
        var check = await SqliteStoreFile.CheckAsync(Db, Cancelled);
        Assert.Equal((await store.BackupAsync(this["copy.db"], Cancelled)).Bytes, check.Bytes);
        Assert.True(check.Bytes > 400_000, $"{check.Bytes} bytes");
    }

    [Fact]
    public async Task A_file_that_is_in_use_is_not_written_anew_and_one_that_is_free_keeps_all_that_it_holds()
    {
        var kept = new List<Guid>();
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 20; i++)
                kept.Add(await PutAsync(store, 20_000));
            var refused = await Assert.ThrowsAsync<StoreException>(() => SqliteStoreFile.CompactAsync(Db, Cancelled));
            Assert.Equal(StoreProblem.Locked, refused.Problem);
        }
        await SqliteStoreFile.CompactAsync(Db, Cancelled);
        Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
        await using var again = await OpenAsync();
        foreach (var id in kept)
            Assert.NotNull(await again.Queries.MessageAsync(id, Cancelled));
    }

    [Fact]
    public async Task A_store_in_memory_says_that_it_makes_none()
    {
        await using var store = new InMemoryMessageStore(_clock);
        Assert.Contains("no backups", (await Assert.ThrowsAsync<StoreException>(() => store.BackupAsync(this["copy.db"],
            Cancelled))).Message);
    }

    [Fact]
    public async Task A_restored_store_delivers_again_what_was_delivered_after_the_backup_with_the_same_key()
    {
        Guid early, late;
        string key;
        await using (var store = await OpenAsync())
        {
            early = await PutAsync(store);
            await store.BackupAsync(this["copy.db"], Cancelled);
            var held = (await store.CommitAsync(new ClaimCommand("x", 1, "n"), Cancelled)).Deliveries[0];
            key = held.IdempotencyKey;
            Assert.True(await store.CommitAsync(
                new CompleteCommand(held.Id, held.Lease, new() { Number = 1, StartedAt = held.ClaimedAt, Outcome = "delivered" }),
                    Cancelled));
            late = await PutAsync(store);
        }
        var refusal = await Assert.ThrowsAsync<StoreException>(() => SqliteStoreFile.RestoreAsync(this["copy.db"], Db, replace: false,
            _clock, Cancelled));
        Assert.Contains("--force", refusal.Message);
        var restored = await SqliteStoreFile.RestoreAsync(this["copy.db"], Db, replace: true, _clock, Cancelled);
        Assert.Equal((1, _clock.GetUtcNow()), (restored.Open, restored.LastActivity));
        await using (var store = await OpenAsync())
        {
            var again = Assert.Single((await store.CommitAsync(new ClaimCommand("x", 9, "n"), Cancelled)).Deliveries);
            Assert.Equal((early, key), (again.Id.MessageId, again.IdempotencyKey));
            Assert.Null(await store.Queries.MessageAsync(late, Cancelled));
        }
        // What was there is still there, with what stood only in its log.
        await using var replaced = await OpenAsync(restored.Replaced);
        Assert.NotNull(await replaced.Queries.MessageAsync(late, Cancelled));
    }

    [Fact]
    public async Task A_restore_refuses_a_store_in_use_and_files_that_are_no_backup()
    {
        await using (var store = await OpenAsync())
        {
            await store.BackupAsync(this["copy.db"], Cancelled);
            Assert.Equal(StoreProblem.Locked, (await Assert.ThrowsAsync<StoreException>(() =>
                SqliteStoreFile.RestoreAsync(this["copy.db"], Db, replace: true, _clock, Cancelled))).Problem);
        }
        Assert.Contains("no file", (await Assert.ThrowsAsync<StoreException>(() =>
            SqliteStoreFile.RestoreAsync(this["none.db"], Db, replace: true, _clock, Cancelled))).Message);
        await File.WriteAllTextAsync(this["letter.txt"], string.Concat(Enumerable.Repeat("to my aunt ", 500)), Cancelled);
        Assert.Equal(StoreProblem.Corrupt, (await Assert.ThrowsAsync<StoreException>(() =>
            SqliteStoreFile.RestoreAsync(this["letter.txt"], Db, replace: true, _clock, Cancelled))).Problem);
        var bytes = await File.ReadAllBytesAsync(this["copy.db"], Cancelled);
        Array.Fill<byte>(bytes, 0xA5, bytes.Length / 2, 6_000);
        await File.WriteAllBytesAsync(this["broken.db"], bytes, Cancelled);
        Assert.Equal(StoreProblem.Corrupt, (await Assert.ThrowsAsync<StoreException>(() =>
            SqliteStoreFile.RestoreAsync(this["broken.db"], Db, replace: true, _clock, Cancelled))).Problem);
        await using var untouched = await OpenAsync();
        Assert.Empty(_folder.GetFiles("*.replaced*"));
        Assert.Empty(_folder.GetFiles("*.restoring*"));
    }

    [Theory]
    [InlineData("UPDATE routes SET waiting = waiting + 1, accepted = accepted + 1", "the books say")]
    [InlineData("DELETE FROM messages WHERE sequence = 2", "its message is missing")]
    [InlineData("DELETE FROM deliveries WHERE key = 512", "deliveries instead of 1")]
    [InlineData("INSERT INTO attempts VALUES (99999, 1, 0, 0, 0, 'failed', NULL, 0, NULL, NULL, NULL, NULL)", "no such delivery")]
    [InlineData("UPDATE lanes SET head = (SELECT max(key) FROM deliveries WHERE lane = lanes.id)", "not its first member")]
    [InlineData("DELETE FROM lanes", "its lane is missing")]
    [InlineData("UPDATE deliveries SET state = 2 WHERE key = 256", "has no lease")]
    [InlineData("UPDATE deliveries SET state = 2, lease = 1 << 60 WHERE key = 256", "of a later start")]
    [InlineData("UPDATE messages SET id = x'00' WHERE sequence = 1", "not a UUID")]
    [InlineData("DELETE FROM services", "has no name")]
    public async Task A_check_finds_what_contradicts_our_own_rules(string sabotage, string finding)
    {
        await using (var store = await OpenAsync())
        {
            for (var i = 0; i < 3; i++)
                await PutAsync(store, key: i == 0 ? null : "lane");
        }
        Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
        using (var saboteur = new SqliteDatabase(Db, readOnly: false))
            saboteur.Execute(sabotage);
        var check = await SqliteStoreFile.CheckAsync(Db, Cancelled);
        Assert.False(check.Sound);
        Assert.Empty(check.Damage);
        Assert.Contains(check.BrokenRules, broken => broken.Contains(finding, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_log_grows_past_its_bound_only_while_a_foreign_reader_holds_it_and_no_commit_waits_for_that_reader()
    {
        var options = new SqliteStoreOptions { Path = Db, CheckpointBytes = 64 << 10, WalBytesMax = 512 << 10 };
        await using var store = new SqliteMessageStore(options, _clock);
        await store.OpenAsync(Cancelled);
        await PutAsync(store);
        using (var foreign = new SqliteDatabase(Db, readOnly: true))
        {
            foreign.Execute("BEGIN");
            Assert.Equal(1, foreign.Number("SELECT count(*) FROM messages"));
            for (var i = 0; i < 60; i++)
                await PutAsync(store, 20_000);
            Assert.True(new FileInfo(Db + "-wal").Length > options.WalBytesMax);
            // It still sees its moment, and our own reads go on.
            Assert.Equal(1, foreign.Number("SELECT count(*) FROM messages"));
            Assert.Equal(61, (await store.Queries.QueuesAsync(Cancelled))[0].Waiting);
            foreign.Execute("COMMIT");
        }
        for (var i = 0; i < 10; i++)
            await PutAsync(store, 20_000);
        Assert.InRange(new FileInfo(Db + "-wal").Length, 0, options.WalBytesMax);
    }
}
