using Recourse.Server;
using Recourse.Sqlite;
using Recourse.Tests;

// A relay whose clock begins long after its dead letters died: retention archives them all, and when the day is over their file is packed.
// Then it says so and ends. Arguments: the configuration, the store's file, the folder of the archive.
var (configuration, file, archive) = (RelayConfiguration.Load(args[0]).Configuration!, args[1], args[2]);
var clock = new ManualClock(new(2026, 1, 2, 0, 0, 0, TimeSpan.Zero));
var store = new SqliteMessageStore(new SqliteStoreOptions { Path = file }, clock);
await using var relay = await RelayHost.StartAsync(new()
{
    Configuration = configuration,
    OpenStore = (_, _) => store,
    Handler = (_, _) => new(Recourse.Durable.DeliveryResult.Delivered()),
    Time = clock,
    WatchFiles = false,
});
await UntilAsync(async () => (await store.Queries.QueuesAsync()).All(queue => queue.Dead == 0));
clock.Advance(TimeSpan.FromDays(1));
await UntilAsync(() => Task.FromResult(!Directory.EnumerateFiles(archive, "*.ndjson").Any()));
Console.WriteLine("done");

async Task UntilAsync(Func<Task<bool>> reached)
{
    while (!await reached())
    {
        clock.Advance(TimeSpan.FromSeconds(15));
        await Task.Yield();
    }
}
