using System.Diagnostics;
using Recourse.Sqlite;

namespace Recourse.Durable.Tests;

/// <summary>A real process on a real file, killed again and again.</summary>
public sealed class SqliteCrashTests : IDisposable
{
    private const int Cycles = 30;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-crash-");

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Nothing_acknowledged_is_lost_however_often_the_process_is_killed()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var log = new CrashLog();
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            log.Run(Db, random.Next(), random.Next(1, 400));
            await using var store = new SqliteMessageStore(Db);
            await log.CheckAsync(store, await store.OpenAsync(Cancelled));
            // What is claimed now must not be among what was reported as ended.
            var claim = await store.CommitAsync(new ClaimCommand("x", 50, "parent"), Cancelled);
            foreach (var claimed in claim.Deliveries)
            {
                Assert.False(claimed.Suspect);
                Assert.DoesNotContain(claimed.Id, log.Delivered);
                Assert.DoesNotContain(claimed.Id, log.Dead);
                Assert.True(await store.CommitAsync(new ReleaseCommand(claimed.Id, claimed.Lease), Cancelled));
            }
        }
        Assert.NotEmpty(log.Stored);
        Assert.NotEmpty(log.Delivered);
        Assert.Empty(log.Refusals);
    }

    [Fact]
    public async Task A_second_process_is_refused_while_the_first_lives_and_let_in_when_it_was_killed()
    {
        var log = new CrashLog();
        await using (var owner = new SqliteMessageStore(Db))
        {
            await owner.OpenAsync(Cancelled);
            using var child = Process.Start(new ProcessStartInfo(
                "dotnet", [Path.Combine(AppContext.BaseDirectory, "Recourse.CrashChild.dll"), Db, "1", "0"])
            {
                RedirectStandardError =
                    true
            })!;
            var error = await child.StandardError.ReadToEndAsync(Cancelled);
            await child.WaitForExitAsync(Cancelled);
            Assert.NotEqual(0, child.ExitCode);
            Assert.Contains($"in use by process {Environment.ProcessId}", error);
        }
        log.Run(Db, 1, 20);
        await using var next = new SqliteMessageStore(Db);
        await log.CheckAsync(next, await next.OpenAsync(Cancelled));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(170)]
    public async Task A_commit_whose_sync_fails_is_not_acknowledged_and_what_was_stays(int syncsThatPass)
    {
        if (!File.Exists("/usr/bin/strace"))
            Assert.Skip("strace is not installed");
        await using (var fresh = new SqliteMessageStore(Db))
            await fresh.OpenAsync(Cancelled);
        var log = new CrashLog();
        log.Run(
            Db, 7, int.MaxValue, refusalsMax: 20, "strace", "-f", "-qqq", "-o", Path.Combine(_folder.FullName, "trace"), "-e",
            "trace=fsync,fdatasync",
            "-e", $"inject=fsync,fdatasync:error=EIO:when={syncsThatPass}+");
        if (log.Stored.Count == 0 && log.Refusals.Count == 0 && syncsThatPass > 10)
            Assert.Skip("strace may not trace here");
        if (syncsThatPass > 10)
            Assert.Contains("Unavailable", log.Refusals);
        await using var store = new SqliteMessageStore(Db);
        var opening = await store.OpenAsync(Cancelled);
        if (log.Stored.Count > 0)
            await log.CheckAsync(store, opening);
    }
}
