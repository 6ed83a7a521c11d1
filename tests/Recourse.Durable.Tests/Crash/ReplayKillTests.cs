using System.Globalization;
using Recourse.Sqlite;

namespace Recourse.Durable.Tests;

/// <summary>A real process that works on a replay job, killed again and again; and one that only fills its store.</summary>
public sealed class ReplayKillTests : IDisposable
{
    private const int Letters = 600;

    // So slow that the job is still sending when a busy machine has ended but a few of what it sent.
    private const int Rate = 100;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-replay-kill-");

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    [Trait("Category", "Slow")]
    public async Task A_job_that_is_killed_again_and_again_sends_each_letter_exactly_once_and_its_counts_balance()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), CultureInfo.InvariantCulture, out var given) ? given
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var id = await StartAsync();
        var (kills, ended, outcomes) = (0, false, new List<string>());
        while (!ended)
        {
            var (lines, whole) = ChildProcess.Run(Db, random.Next(), "replay", random.Next(1, 40));
            outcomes.AddRange(lines);
            ended = whole;
            kills += whole || JobState() == (long)ReplayState.Completed ? 0 : 1;
            Assert.True((await SqliteStoreFile.CheckAsync(Db, Cancelled)) is { Sound: true } check, "db check found something.");
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills");
        Assert.True(kills >= 3, $"Only {kills} kills met the job.");

        await using var store = new SqliteMessageStore(Db);
        await store.OpenAsync(Cancelled);
        var job = (await store.Queries.ReplayAsync(id, Cancelled))!;
        Assert.Equal((ReplayState.Completed, Letters, Letters, 0L), (job.State, job.Matched, job.Replayed, job.Skipped));
        Assert.Equal(Letters, job.Delivered + job.DeadAgain);
        var (delivered, dead) = (0L, 0L);
        string? after = null;
        do
        {
            var page = await store.Queries.DeliveriesAsync(new() { Limit = 500, After = after }, Cancelled);
            // One generation further, no more: a batch that was sent twice would be two.
            Assert.All(page.Items, item => Assert.Equal((item.Id, 1), (item.Id, item.Generation)));
            delivered += page.Items.Count(item => item.State is DeliveryState.Delivered);
            dead += page.Items.Count(item => item.State is DeliveryState.Dead);
            after = page.Next;
        }
        while (after is not null);
        Assert.Equal((delivered, dead), (job.Delivered, job.DeadAgain));
        var counts = Assert.Single(await store.Queries.QueuesAsync(Cancelled));
        Assert.Equal((Letters, delivered, dead, 0L), (counts.Accepted, counts.Delivered, counts.Dead, counts.Waiting));
        // No delivery was told of twice.
        var told = outcomes.Select(line => line.Split(' ')[1]).ToList();
        Assert.Equal(told.Count, told.Distinct().Count());
    }

    private long? JobState()
    {
        using var file = new SqliteDatabase(Db, readOnly: true);
        return file.Number("SELECT state FROM replays");
    }

    private async Task<Guid> StartAsync()
    {
        await using var store = new SqliteMessageStore(Db);
        await store.OpenAsync(Cancelled);
        await Task.WhenAll(Enumerable.Range(0, Letters).Select(_ => store.CommitAsync(
            new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[100] }), Cancelled).AsTask()));
        var claimed = (await store.CommitAsync(new ClaimCommand("x", Letters, "parent"), Cancelled)).Deliveries;
        await Task.WhenAll(claimed.Select(held => store.CommitAsync(new FailCommand(held.Id, held.Lease,
            new() { Number = 1, StartedAt = held.ClaimedAt, Outcome = "failed", Error = "first" }, Classification.Unknown,
            new(DeliveryAction.DeadLetter, null, "first")), Cancelled).AsTask()));
        var request = new ReplayRequest { Filter = new() { Queue = "q" }, Actor = "ann", BatchSize = 20, Rate = Rate };
        var id = Guid.CreateVersion7();
        Assert.True(await store.CommitAsync(new StartReplayCommand(id, request.Checked(), Letters), Cancelled));
        return id;
    }

    [Fact]
    public void What_the_store_holds_in_memory_does_not_grow_with_what_waits()
    {
        var (lines, ended) = ChildProcess.Run(Db, 1, "measure");
        Assert.True(ended);
        var held = lines.ConvertAll(line => line.Split(' '));
        Assert.Equal(2, held.Count);
        TestContext.Current.TestOutputHelper!.WriteLine(string.Join('\n', lines));
        long Of(int row, int column) => long.Parse(held[row][column], CultureInfo.InvariantCulture);
        // Ten times the messages: a byte for each of the 90,000 would show.
        Assert.InRange(Of(1, 1), 0, Of(0, 1) + 90_000);
        Assert.InRange(Of(1, 3), 0, 16 << 20);
    }
}
