using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>From one schema to the next: the steps themselves, with steps made up for the test behind those of the program.</summary>
public sealed class MigrationTests : IDisposable
{
    private static readonly IReadOnlyList<Migration> Known = new SqliteStoreOptions { Path = "unused" }.Migrations;
    private static readonly int Latest = Known[^1].Version;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-migrate-");
    private readonly ManualClock _clock = new(new(2026, 4, 1, 12, 0, 0, TimeSpan.Zero));

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private static Migration Next(int by, string sql) => new(Latest + by, $"{Latest + by:0000}_test", sql);

    private SqliteStoreOptions With(params Migration[] more) => new() { Path = Db, Migrations = [.. Known, .. more] };

    private async Task<StoreOpening> OpenAsync(SqliteStoreOptions options)
    {
        await using var store = new SqliteMessageStore(options, _clock);
        return await store.OpenAsync(Cancelled);
    }

    private string[] Backups() => [.. _folder.GetFiles("*.bak").Select(file => file.FullName).Order(StringComparer.Ordinal)];

    private static long? Number(string path, string sql)
    {
        using var database = new SqliteDatabase(path, readOnly: true);
        return database.Number(sql);
    }

    [Fact]
    public async Task A_new_file_is_made_without_a_backup()
    {
        Assert.Null((await OpenAsync(With())).Migration);
        Assert.Empty(Backups());
    }

    [Fact]
    public async Task An_older_file_is_copied_checked_and_then_migrated_step_by_step()
    {
        await OpenAsync(With());
        var opening = await OpenAsync(With(
            Next(1, "-- oldest reader: 1\nCREATE TABLE one (a INTEGER);"), Next(2, "ALTER TABLE one ADD COLUMN b INTEGER;")));
        var backup = Assert.Single(Backups());
        Assert.Equal(new StoreMigration(Latest, Latest + 2, backup), opening.Migration);
        Assert.EndsWith($"test.db.v{Latest}-20260401T120000.000Z.bak", backup);
        Assert.Equal(Latest, Number(backup, "SELECT max(version) FROM schema_version"));
        Assert.True((await SqliteStoreFile.CheckAsync(backup, Cancelled)).Sound);
        Assert.Equal(1, Number(Db, $"SELECT oldest_reader FROM schema_version WHERE version = {Latest + 1}"));
        // Without a word of its own, a step is for those who know it.
        Assert.Equal(Latest + 2, Number(Db, $"SELECT oldest_reader FROM schema_version WHERE version = {Latest + 2}"));
        Assert.Null((await OpenAsync(With(Next(1, ""), Next(2, "")))).Migration);
        Assert.Single(Backups());
    }

    [Fact]
    public async Task The_backup_of_a_migration_opens_with_the_release_before()
    {
        await using (var store = new SqliteMessageStore(With(), _clock))
        {
            await store.OpenAsync(Cancelled);
            await store.CommitAsync(new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[10] }), Cancelled);
        }
        await OpenAsync(With(Next(1, "CREATE TABLE one (a INTEGER);")));
        await using (var tooOld = new SqliteMessageStore(With(), _clock))
        {
            var refusal = await Assert.ThrowsAsync<StoreException>(() => tooOld.OpenAsync(Cancelled));
            Assert.Equal(StoreProblem.TooNew, refusal.Problem);
            Assert.Contains($"has schema {Latest + 1}, which needs a program that knows schema {Latest + 1}", refusal.Message);
        }
        await using var before = new SqliteMessageStore(new SqliteStoreOptions { Path = Backups()[0] }, _clock);
        await before.OpenAsync(Cancelled);
        Assert.Equal(1, (await before.Queries.QueuesAsync(Cancelled))[0].Waiting);
    }

    [Fact]
    public async Task A_step_that_fails_is_not_kept_those_before_it_are_and_the_backup_is_named()
    {
        await OpenAsync(With());
        var steps = With(Next(1, "CREATE TABLE one (a INTEGER);"), Next(2,
            "CREATE TABLE two (a INTEGER); INSERT INTO nowhere VALUES (1);"));
        var failure = await Assert.ThrowsAsync<StoreException>(() => OpenAsync(steps));
        Assert.Contains($"{Latest + 2:0000}_test", failure.Message);
        Assert.Contains(Backups()[0], failure.Message);
        Assert.Equal(Latest + 1, Number(Db, "SELECT max(version) FROM schema_version"));
        Assert.Equal(0, Number(Db, "SELECT count(*) FROM sqlite_schema WHERE name = 'two'"));
        Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
        // The release that mends the step goes on from there.
        Assert.Equal(Latest + 1, (await OpenAsync(With(Next(1, ""), Next(2, "CREATE TABLE two (a INTEGER);")))).Migration?.From);
    }

    [Fact]
    public async Task A_migration_that_fails_at_every_start_does_not_fill_the_disk_with_backups()
    {
        await OpenAsync(With());
        for (var start = 0; start < 6; start++)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Assert.ThrowsAsync<StoreException>(() => OpenAsync(With(Next(1, "no SQL at all"))));
        }
        Assert.Equal(3, Backups().Length);
        Assert.EndsWith("T120006.000Z.bak", Backups()[^1]);
    }

    [Fact]
    public async Task Without_room_for_the_backup_nothing_is_changed_unless_told_otherwise()
    {
        using var disk = new TinyDisk(8);
        var options = With(Next(1, "CREATE TABLE one (a INTEGER);")) with { Path = disk["test.db"], CheckpointBytes = 256 << 10 };
        await using (var store = new SqliteMessageStore(options with { Migrations = Known }, _clock))
        {
            await store.OpenAsync(Cancelled);
            for (var i = 0; i < 50; i++)
                await store.CommitAsync(new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[40_000] }), Cancelled);
        }
        await File.WriteAllBytesAsync(disk["ballast"], new byte[4_300_000], Cancelled);
        var refusal = await Assert.ThrowsAsync<StoreException>(() => OpenAsync(options));
        Assert.Equal(StoreProblem.DiskFull, refusal.Problem);
        Assert.Contains("--no-backup", refusal.Message);
        Assert.Empty(Directory.GetFiles(disk.Path, "*.bak*"));
        Assert.Equal(Latest, Number(disk["test.db"], "SELECT max(version) FROM schema_version"));

        var opening = await OpenAsync(options with { BackupBeforeMigration = false });
        Assert.Equal(new StoreMigration(Latest, Latest + 1, null), opening.Migration);
    }

    [Fact]
    public async Task A_damaged_file_is_not_migrated()
    {
        await OpenAsync(With());
        using (var saboteur = new SqliteDatabase(Db, readOnly: false))
        {
            // An index that no longer has what its table has.
            saboteur.Execute("INSERT INTO queues VALUES (1, 'a'); PRAGMA writable_schema = ON;");
            saboteur.Execute("UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'messages_id') "
                + "WHERE name = 'deliveries_prunable'");
        }
        var refusal = await Assert.ThrowsAsync<StoreException>(() => OpenAsync(With(Next(1, "CREATE TABLE one (a INTEGER);"))));
        Assert.Equal(StoreProblem.Corrupt, refusal.Problem);
        Assert.Empty(Backups());
        Assert.Equal(Latest, Number(Db, "SELECT max(version) FROM schema_version"));
    }

    [Theory]
    [InlineData("-- oldest reader: 0")]
    [InlineData("-- oldest reader: 3")]
    [InlineData("-- oldest reader: two")]
    public void An_oldest_reader_that_cannot_be_is_a_defect(string line) =>
        Assert.Contains(line, Assert.Throws<InvalidOperationException>(() => new Migration(2, "0002_test", line)).Message);

    [Fact]
    public void Steps_are_numbered_without_gaps_and_alike_in_both_databases()
    {
        var postgres = Migration.Of(typeof(Recourse.Postgres.PostgresMessageStore).Assembly);
        foreach (var steps in new[] { Known, postgres })
            Assert.Equal(steps.Select(step => step.Version).Distinct(), steps.Select(step => step.Version));
        // Several nodes are a matter of PostgreSQL alone, and so is what an index costs with every statement.
        Assert.Equal(
            Known.Select(step => step.Name),
            postgres.Select(step => step.Name).Where(name => name is not ("0006_nodes" or "0008_lean_deliveries")));
    }
}
