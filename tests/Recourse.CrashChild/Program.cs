using System.Globalization;
using System.Text;
using Recourse;
using Recourse.Durable;
using Recourse.Sqlite;

// Works on a store until it is killed, and prints a line for each answer that it got: what stands there was acknowledged.
//   + id   stored     > id.index   claimed     = id.index   delivered     ! id.index   dead     ? problem   a command was refused
//   - n   pruned     b path   a backup is complete     m from to   migrated     i id.index   imported
// Arguments: the file, a seed, how many refusals end the program (0: none does), and what else it does: "work" (nothing), "prune",
// "backup", "import", or one of those that do nothing else: "migrate" opens the file with steps of the schema behind those of the program,
// "replay" works on the replay jobs that are open until they have ended, "measure" says what the store holds in memory, "full" and "os"
// store messages one after the other with that durability.
var (path, seed, refusalsMax) =
    (args[0], int.Parse(args[1], CultureInfo.InvariantCulture), int.Parse(args[2], CultureInfo.InvariantCulture));
var also = args.Length > 3 ? args[3] : "work";
var refusals = 0;
var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(false)) { AutoFlush = true });
// Half of all runs copy the log into the file all the time, so that kills meet that too.
await using var store = new SqliteMessageStore(new SqliteStoreOptions
{
    Path = path,
    CheckpointBytes = seed % 2 == 0 ? 64 << 10 : 16 << 20,
    Durability = also == "os" ? StoreDurability.Os : StoreDurability.Full,
    Migrations = also == "migrate" ? TestSteps.All : Migration.Of(typeof(SqliteMessageStore).Assembly),
});
var opening = await store.OpenAsync();
if (opening.Migration is { } migration)
    output.WriteLine($"m {migration.From} {migration.To}");
if (also == "migrate")
    return;
if (also == "replay")
{
    await ReplayWork.RunAsync(store, output, new Random(seed));
    return;
}
if (also is "full" or "os")
{
    for (var message = 0; message < 40; message++)
        await ProduceAsync(new Random(seed));
    return;
}
if (also == "measure")
{
    await MemoryWork.RunAsync(store, output);
    return;
}

// What a crash left in hand runs alone, first.
for (var more = true; more && (refusalsMax == 0 || refusals < refusalsMax);)
{
    try
    {
        var claim = await store.CommitAsync(new ClaimCommand("x", 1, "child") { Suspects = true });
        more = claim.Deliveries.Count > 0;
        foreach (var suspect in claim.Deliveries)
        {
            output.WriteLine($"> {suspect.Id}");
            await EndAsync(suspect, new Random(seed));
        }
    }
    catch (StoreException error)
    {
        output.WriteLine($"? {error.Problem}");
        refusals++;
    }
}

var loops = Enumerable.Range(0, 4).Select(i => LoopAsync(ProduceAsync, new Random(seed + i)))
    .Concat(Enumerable.Range(4, 3).Select(i => LoopAsync(ConsumeAsync, new Random(seed + i))));
loops = also switch
{
    "prune" => loops.Append(LoopAsync(PruneAsync, new Random(seed))),
    "import" => loops.Append(LoopAsync(ImportAsync, new Random(seed))).Append(LoopAsync(ImportAsync, new Random(seed))),
    "backup" => loops.Append(LoopAsync(BackUpAsync, new Random(seed))),
    _ => loops,
};
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

async Task PruneAsync(Random random) =>
    output.WriteLine($"- {await store.CommitAsync(new PruneCommand(TimeSpan.Zero, random.Next(1, 50)))}");

async Task BackUpAsync(Random random)
{
    var target = $"{path}.{random.Next()}.bak";
    await store.BackupAsync(target);
    output.WriteLine($"b {target}");
}

// Two loops draw the same letters: what one has brought in is a duplicate for the other.
async Task ImportAsync(Random random)
{
    var bytes = new byte[16];
    random.NextBytes(bytes);
    var (id, now) = (new DeliveryId(new Guid(bytes), random.Next(3)), DateTimeOffset.FromUnixTimeSeconds(1_700_000_000));
    var letter = new StoredDelivery
    {
        Id = id,
        Queue = "q",
        Service = "x",
        State = DeliveryState.Dead,
        Generation = 0,
        CreatedAt = now,
        AttemptCount = 1,
        Error = "drawn",
        Note = random.Next(2) == 0 ? "seen" : null,
        IdempotencyKey = id.MessageId.ToString("D"),
        Attempts = [new() { Number = 1, StartedAt = now, Outcome = "failed", Error = "drawn" }],
    };
    var body = new byte[random.Next(2000)];
    var edited = random.Next(3) == 0 ? new Payload(body, "text/plain", null) : null;
    var command = new ImportLetterCommand(letter, new(body, null, null), "child") { Edited = edited };
    if (await store.CommitAsync(command) is ImportOutcome.Imported)
        output.WriteLine($"i {id}");
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
