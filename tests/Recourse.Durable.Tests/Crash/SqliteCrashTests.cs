using System.Diagnostics;
using System.Globalization;
using Recourse.Sqlite;

namespace Recourse.Durable.Tests;

/// <summary>A real process on a real file, killed again and again.</summary>
public sealed class SqliteCrashTests : IDisposable
{
    /// <summary>Kills in a run of ./test; with RECOURSE_LONG=1, a thousand and more.</summary>
    private static readonly int Cycles = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 2_000 : 100;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-crash-");

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private static Random Seeded()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), CultureInfo.InvariantCulture, out var given) ? given
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        return new Random(seed);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Nothing_acknowledged_is_lost_however_often_the_process_is_killed()
    {
        var random = Seeded();
        var log = new CrashLog();
        for (var cycle = 0; cycle < Cycles; cycle++)
        {
            log.Run(Db, random.Next(), random.Next(1, 400));
            await using var store = new SqliteMessageStore(Db);
            await log.CheckAsync(store, await store.OpenAsync(Cancelled));
            if (cycle % 10 == 9)
                Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
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
        FaultInjection.RequireStrace();
        await using (var fresh = new SqliteMessageStore(Db))
            await fresh.OpenAsync(Cancelled);
        var log = new CrashLog();
        log.Run(
            Db, 7, int.MaxValue, refusalsMax: 20, "strace", "-f", "-qqq", "-o", Path.Combine(_folder.FullName, "trace"), "-e",
            "trace=fsync,fdatasync",
            "-e", $"inject=fsync,fdatasync:error=EIO:when={syncsThatPass}+");
        if (syncsThatPass > 10)
            Assert.Contains("Unavailable", log.Refusals);
        await using var store = new SqliteMessageStore(Db);
        var opening = await store.OpenAsync(Cancelled);
        if (log.Stored.Count > 0)
            await log.CheckAsync(store, opening);
    }

    /// <summary>One call fails and the next ones work: what was refused is refused, what was acknowledged stays, and work goes
    /// on.</summary>
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("pwrite64", "EIO")]
    [InlineData("pwrite64", "ENOSPC")]
    [InlineData("fsync,fdatasync", "EIO")]
    public async Task A_single_write_or_sync_that_fails_costs_its_own_commit_at_most(string calls, string error)
    {
        FaultInjection.RequireStrace();
        var random = Seeded();
        await using (var fresh = new SqliteMessageStore(Db))
            await fresh.OpenAsync(Cancelled);
        var log = new CrashLog();
        for (var round = 0; round < Cycles / 30; round++)
        {
            var nth = random.Next(40, 300);
            var lines = log.Run(Db, random.Next(), 1_500, 0, "work",
                ["strace", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null", "-e", $"trace={calls}", "-e",
                    $"inject={calls}:error={error}:when={nth}"]);
            // Nothing at all: it was the opening that failed, and the process said so and ended.
            Assert.True(lines is 0 or >= 1_500, $"The process ended at the failing call {nth}, after {lines} lines.");
            await using var store = new SqliteMessageStore(Db);
            await log.CheckAsync(store, await store.OpenAsync(Cancelled));
        }
        Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)).Sound);
        Assert.NotEmpty(log.Stored);
    }
}
