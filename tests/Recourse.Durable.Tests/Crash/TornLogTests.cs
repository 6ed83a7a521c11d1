using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>
/// Copies of a store whose write-ahead log lost its tail or was damaged, at places drawn from a seed: what was synced before the damage is
/// there, what comes after it is as if it had not been written, and nothing in between.
/// </summary>
public sealed class TornLogTests : IDisposable
{
    private static readonly int Copies = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 3_000 : 120;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-torn-");
    private readonly ManualClock _clock = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_store_opens_with_every_command_that_was_synced_before_the_damage_of_its_log()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var db = Path.Combine(_folder.FullName, "test.db");
        // The file itself has the schema; all that happens from here on stands in the log, which only grows.
        await (await OpenAsync(db)).DisposeAsync();
        await using var store = await OpenAsync(db);
        var begin = new FileInfo(db + "-wal").Length;
        var acknowledged = new List<(Guid Id, long LogBytes, bool Delivered)>();
        for (var i = 0; i < 60; i++)
        {
            var put = await store.CommitAsync(
                new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[random.Next(6_000)] }), Cancelled);
            acknowledged.Add((put.MessageId, new FileInfo(db + "-wal").Length, false));
            if (i % 3 > 0)
                continue;
            var held = (await store.CommitAsync(new ClaimCommand("x", 1, "n"), Cancelled)).Deliveries[0];
            Assert.True(await store.CommitAsync(
                new CompleteCommand(held.Id, held.Lease, new() { Number = 1, StartedAt = held.ClaimedAt, Outcome = "delivered" }),
                    Cancelled));
            acknowledged.Add((held.Id.MessageId, new FileInfo(db + "-wal").Length, true));
        }
        var (file, log) = (await ReadAsync(db), await ReadAsync(db + "-wal"));
        for (var copy = 0; copy < Copies; copy++)
        {
            var at = random.NextInt64(begin, log.Length);
            var how = random.Next(4);
            var damaged = Damaged(log, (int)at, how, random);
            await CheckAsync(file, damaged, acknowledged, $"copy {copy}, way {how}, at {at} of {log.Length}", how == 3 ? log.Length : at);
        }
    }

    private static byte[] Damaged(byte[] log, int at, int how, Random random)
    {
        switch (how)
        {
            case 0:
                return log[..at];
            case 1:
                var flipped = (byte[])log.Clone();
                flipped[at] ^= (byte)(1 << random.Next(8));
                return flipped;
            case 2:
                var zeroed = (byte[])log.Clone();
                zeroed.AsSpan(at).Clear();
                return zeroed;
            default:
                var rubbish = new byte[random.Next(1, 9_000)];
                random.NextBytes(rubbish);
                return [.. log, .. rubbish];
        }
    }

    private async Task CheckAsync(
        byte[] file, byte[] log, List<(Guid Id, long LogBytes, bool Delivered)> acknowledged, string what, long sound)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.FullName, "copy"));
        var db = Path.Combine(folder.FullName, "copy.db");
        await File.WriteAllBytesAsync(db, file, Cancelled);
        await File.WriteAllBytesAsync(db + "-wal", log, Cancelled);
        await using (var store = await OpenAsync(db))
        {
            foreach (var (id, bytes, delivered) in acknowledged.Where(entry => entry.LogBytes <= sound))
            {
                var message = await store.Queries.MessageAsync(id, Cancelled);
                Assert.True(message is not null, $"{what}: {id}, synced at {bytes}, is lost");
                Assert.True(!delivered || message.Deliveries[0].State is DeliveryState.Delivered, $"{what}: {id} is no longer delivered");
            }
            foreach (var queue in await store.Queries.QueuesAsync(Cancelled))
                StoreContract.AssertBalanced(queue);
            await store.CommitAsync(new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[10] }), Cancelled);
        }
        var check = await SqliteStoreFile.CheckAsync(db, Cancelled);
        Assert.True(check.Sound, $"{what}: {string.Join("; ", check.Damage.Concat(check.BrokenRules))}");
        folder.Delete(recursive: true);
    }

    private async Task<SqliteMessageStore> OpenAsync(string path)
    {
        var store = new SqliteMessageStore(path, _clock);
        await store.OpenAsync(Cancelled);
        return store;
    }

    private static async Task<byte[]> ReadAsync(string path)
    {
        await using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[file.Length];
        await file.ReadExactlyAsync(bytes, Cancelled);
        return bytes;
    }
}
