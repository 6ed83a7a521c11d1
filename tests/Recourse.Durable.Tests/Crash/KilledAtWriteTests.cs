using System.Globalization;
using Recourse.Sqlite;

namespace Recourse.Durable.Tests;

/// <summary>
/// A real process that is killed by its own Nth write, sync or rename (strace puts the signal there): in the middle of a commit, a
/// checkpoint, a prune, a backup or a migration, where a kill by the clock would seldom hit.
/// </summary>
[Trait("Category", "Slow")]
public sealed class KilledAtWriteTests : IDisposable
{
    private const int LinesMax = 4_000;
    private static readonly int Rounds = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 100 : 3;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-nth-");
    private readonly Random _random;

    public KilledAtWriteTests()
    {
        FaultInjection.RequireStrace();
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), CultureInfo.InvariantCulture, out var given) ? given
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        _random = new(seed);
    }

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Runs the child until its Nth call of one of these kinds, or until it has printed many lines.</summary>
    private int KillAt(CrashLog log, string also, int lines, string calls, int nth) =>
        log.Run(Db, _random.Next(), lines, refusalsMax: 0, also, FaultInjection.KillAt(calls, nth));

    [Theory]
    [InlineData("work", "pwrite64", 400)]
    [InlineData("work", "fsync,fdatasync", 60)]
    [InlineData("prune", "pwrite64", 400)]
    [InlineData("import", "pwrite64", 400)]
    [InlineData("import", "fsync,fdatasync", 60)]
    [InlineData("backup", "pwrite64", 900)]
    [InlineData("backup", "fsync,fdatasync,rename,unlink", 60)]
    public async Task At_any_write_or_sync_nothing_acknowledged_is_lost(string also, string calls, int upTo)
    {
        var log = new CrashLog();
        // Kills so early that nothing was kept before them prove nothing: then late ones follow.
        bool ProvesLittle() => log.Stored.Count == 0 || also == "import" && log.Imported.Count == 0;
        for (var round = 0; round < Rounds || ProvesLittle(); round++)
        {
            Assert.True(round < 5 * Rounds, "Nothing was kept before the kills.");
            var lines = KillAt(log, also, LinesMax, calls, round < Rounds ? _random.Next(1, upTo) : upTo);
            Assert.True(lines < LinesMax, $"It was not killed by its calls within {lines} lines.");
            await using var store = new SqliteMessageStore(Db);
            var opening = await store.OpenAsync(Cancelled);
            if (log.Stored.Count > 0)
                await log.CheckAsync(store, opening, pruned: also == "prune");
            Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
            // A backup that has its name is whole, whoever was told of it.
            foreach (var backup in _folder.GetFiles("*.bak"))
                Assert.True((await SqliteStoreFile.CheckAsync(backup.FullName, Cancelled)).Sound, backup.Name);
        }
        Assert.All(log.Backups, backup => Assert.True(File.Exists(backup), backup));
        Assert.Equal(also == "import", log.Imported.Count > 0);
    }

    [Fact]
    public async Task A_migration_that_is_killed_at_any_write_leaves_a_file_that_opens_and_ends_it_with_the_next_start()
    {
        var log = new CrashLog();
        log.Run(Db, 1, 600);
        var (rows, known) = (await RowsAsync(), new SqliteStoreOptions { Path = Db }.Migrations[^1].Version);
        var (interrupted, version) = (0, (long)known);
        for (var nth = 1; version < known + 3; nth += _random.Next(5, 80))
        {
            KillAt(log, "migrate", LinesMax, "pwrite64,fsync,fdatasync,rename", nth);
            Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
            using var file = new SqliteDatabase(Db, readOnly: true);
            Assert.InRange(SqliteSchema.Version(file), version, known + 3);
            version = SqliteSchema.Version(file);
            interrupted += version < known + 3 ? 1 : 0;
            Assert.Equal(rows, file.Number("SELECT count(*) FROM messages"));
            foreach (var backup in _folder.GetFiles("*.bak"))
                Assert.True((await SqliteStoreFile.CheckAsync(backup.FullName, Cancelled)).Sound, backup.Name);
        }
        Assert.True(interrupted > 0, "No kill met the migration.");
        Assert.InRange(_folder.GetFiles("*.bak").Length, 1, 9);
    }

    private async Task<long?> RowsAsync()
    {
        await using (var store = new SqliteMessageStore(Db))
            await store.OpenAsync(Cancelled);
        using var file = new SqliteDatabase(Db, readOnly: true);
        return file.Number("SELECT count(*) FROM messages");
    }
}
