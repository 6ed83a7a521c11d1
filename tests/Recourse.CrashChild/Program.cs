using System.Globalization;
using System.Text;
using Recourse;
using Recourse.Durable;
using Recourse.Sqlite;

// Works on a store until it is killed, and prints a line for each answer that it got: what stands there was acknowledged.
//   + id   stored     > id.index   claimed     = id.index   delivered     ! id.index   dead     ? problem   a command was refused
// Arguments: the file, a seed, and how many refusals end the program (0: none does).
var (path, seed, refusalsMax) =
    (args[0], int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture));
var refusals = 0;
var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true });
await using var store = new SqliteMessageStore(path);
await store.OpenAsync();

// What a crash left in hand runs alone, first.
while ((await store.CommitAsync(new ClaimCommand("x", 1, "child") { Suspects = true })).Deliveries is [var suspect])
    await EndAsync(suspect, new Random(seed));

var loops = Enumerable.Range(0, 4).Select(i => LoopAsync(ProduceAsync, new Random(seed + i)))
    .Concat(Enumerable.Range(4, 3).Select(i => LoopAsync(ConsumeAsync, new Random(seed + i))));
await Task.WhenAll(loops);

async Task LoopAsync(Func<Random, Task> work, Random random)
{
    while (refusalsMax == 0 || Volatile.Read(ref refusals) < refusalsMax)
    {
        try
        {
            await Task.Run(() => work(random));
        }
        catch (StoreException error)
        {
            output.WriteLine($"? {error.Problem}");
            Interlocked.Increment(ref refusals);
        }
    }
}

async Task ProduceAsync(Random random)
{
    var result = await store.CommitAsync(new EnqueueCommand(new()
    {
        Queue = "q",
        Services = ["x"],
        Body = new byte[random.Next(2000)],
        OrderKey = random.Next(3) == 0 ? $"lane {random.Next(5)}" : null,
    }));
    output.WriteLine($"+ {result.MessageId}");
}

async Task ConsumeAsync(Random random)
{
    foreach (var claimed in (await store.CommitAsync(new ClaimCommand("x", random.Next(1, 6), "child"))).Deliveries)
    {
        output.WriteLine($"> {claimed.Id}");
        await EndAsync(claimed, random);
    }
}

async Task EndAsync(ClaimedDelivery claimed, Random random)
{
    var attempt = new Attempt
    {
        Number = claimed.Attempt,
        StartedAt = claimed.ClaimedAt,
        DurationMs = 1,
        Outcome = "failed",
        Node = "child",
        Error = "drawn"
    };
    if (random.Next(10) < 7)
    {
        if (await store.CommitAsync(new CompleteCommand(claimed.Id, claimed.Lease, attempt)))
            output.WriteLine($"= {claimed.Id}");
        return;
    }
    var dead = random.Next(2) == 0;
    DeliveryDecision decision = dead
        ? new(DeliveryAction.DeadLetter, null, "drawn")
        : new(DeliveryAction.Retry, claimed.ClaimedAt, "drawn");
    var ended = await store.CommitAsync(
        new FailCommand(claimed.Id, claimed.Lease, attempt, Classification.Unknown, decision) { BlockLane = false });
    if (ended && dead)
        output.WriteLine($"! {claimed.Id}");
}
