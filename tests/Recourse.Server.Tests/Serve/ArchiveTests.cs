using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Serve;

/// <summary>The folder into which retention writes what it removes.</summary>
public sealed class ArchiveTests : IDisposable
{
    private static readonly DateTimeOffset Day = new(2026, 3, 9, 23, 50, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-archive-");

    private string Archive => Path.Combine(_folder.FullName, "archive");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<DeliverySummary> LetterAsync(MessageStore store, string body)
    {
        var message = new NewMessage { Queue = "orders", Services = ["shop"], Body = Encoding.UTF8.GetBytes(body) };
        await store.CommitAsync(new EnqueueCommand(message), Cancelled);
        var held = (await store.CommitAsync(new ClaimCommand("shop", 1, "n"), Cancelled)).Deliveries[0];
        var attempt = new Attempt { Number = 1, StartedAt = held.ClaimedAt, Outcome = "failed", Error = "no" };
        await store.CommitAsync(
            new FailCommand(held.Id, held.Lease, attempt, Classification.Unknown, new(DeliveryAction.DeadLetter, null, "no")), Cancelled);
        return (await store.Queries.DeliveryAsync(held.Id, Cancelled))!;
    }

    private static async Task<InMemoryMessageStore> StoreAsync()
    {
        var store = new InMemoryMessageStore(new ManualClock());
        await store.OpenAsync(Cancelled);
        return store;
    }

    private async Task<List<string>> BodiesAsync(string name)
    {
        await using var file = File.OpenRead(Path.Combine(Archive, name));
        await using Stream plain = name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(plain);
        var bodies = new List<string>();
        while (await reader.ReadLineAsync(Cancelled) is { } line)
        {
            if (line.EndsWith('}'))
                bodies.Add(Encoding.UTF8.GetString(Convert.FromBase64String((string)JsonNode.Parse(line)!["body_base64"]!)));
        }
        return bodies;
    }

    private static UnixFileMode Mode(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);

    private IEnumerable<string> Names => Directory.GetFiles(Archive).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);

    [Fact]
    public async Task Letters_stand_in_the_file_of_their_day_which_is_packed_when_the_day_is_over()
    {
        await using var store = await StoreAsync();
        var archive = new LetterArchive(Archive);
        await archive.WriteAsync(store.Queries, [await LetterAsync(store, "a"), await LetterAsync(store, "b")], Day, Cancelled);
        await archive.WriteAsync(store.Queries, [await LetterAsync(store, "c")], Day.AddMinutes(5), Cancelled);
        Assert.False(await archive.PackAsync(Day.AddMinutes(9), Cancelled));
        await archive.WriteAsync(store.Queries, [await LetterAsync(store, "d")], Day.AddMinutes(10), Cancelled);
        Assert.True(await archive.PackAsync(Day.AddMinutes(10), Cancelled));
        Assert.Equal(["2026-03-09.ndjson.gz", "2026-03-10.ndjson"], Names);
        Assert.Equal(["a", "b", "c"], await BodiesAsync("2026-03-09.ndjson.gz"));
        Assert.Equal(["d"], await BodiesAsync("2026-03-10.ndjson"));
        foreach (var name in OperatingSystem.IsWindows() ? [] : Names)
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, Mode(Path.Combine(Archive, name)));
        Assert.False(await archive.PackAsync(Day.AddMinutes(10), Cancelled));
    }

    [Fact]
    public async Task Half_a_line_that_a_kill_left_costs_itself_and_no_other()
    {
        await using var store = await StoreAsync();
        var archive = new LetterArchive(Archive);
        await archive.WriteAsync(store.Queries, [await LetterAsync(store, "a")], Day, Cancelled);
        await File.AppendAllTextAsync(Path.Combine(Archive, "2026-03-09.ndjson"), "{\"id\":\"half", Cancelled);
        await archive.WriteAsync(store.Queries, [await LetterAsync(store, "b")], Day, Cancelled);
        Assert.Equal(["a", "b"], await BodiesAsync("2026-03-09.ndjson"));
    }

    [Fact]
    public async Task A_kill_between_any_two_steps_of_packing_loses_nothing_and_the_next_pass_ends_it()
    {
        await using var store = await StoreAsync();
        var archive = new LetterArchive(Archive);
        await archive.WriteAsync(store.Queries, [await LetterAsync(store, "a")], Day, Cancelled);
        var (plain, packed) = (Path.Combine(Archive, "2026-03-09.ndjson"), Path.Combine(Archive, "2026-03-09.ndjson.gz"));
        var lines = await File.ReadAllBytesAsync(plain, Cancelled);
        // Killed while the packed file was written: half of it is there, under another name.
        await File.WriteAllTextAsync(packed + ".part", "half", Cancelled);
        Assert.True(await archive.PackAsync(Day.AddDays(1), Cancelled));
        Assert.Equal(["2026-03-09.ndjson.gz"], Names);
        // Killed before the plain file went.
        await File.WriteAllBytesAsync(plain, lines, Cancelled);
        Assert.True(await archive.PackAsync(Day.AddDays(1), Cancelled));
        Assert.Equal(["2026-03-09.ndjson.gz"], Names);
        Assert.Equal(["a"], await BodiesAsync("2026-03-09.ndjson.gz"));
    }

    [Fact]
    public async Task What_a_clock_that_went_back_adds_to_a_packed_day_is_packed_beside_it()
    {
        await using var store = await StoreAsync();
        var archive = new LetterArchive(Archive);
        foreach (var body in new[] { "a", "b", "c" })
        {
            await archive.WriteAsync(store.Queries, [await LetterAsync(store, body)], Day, Cancelled);
            await archive.PackAsync(Day.AddDays(1), Cancelled);
        }
        Assert.Equal(["2026-03-09-2.ndjson.gz", "2026-03-09-3.ndjson.gz", "2026-03-09.ndjson.gz"], Names);
        Assert.Equal(["b"], await BodiesAsync("2026-03-09-2.ndjson.gz"));
    }

    [Fact]
    public async Task Files_of_others_are_left_alone()
    {
        Directory.CreateDirectory(Archive);
        await File.WriteAllTextAsync(Path.Combine(Archive, "mine.ndjson"), "{}", Cancelled);
        Assert.False(await new LetterArchive(Archive).PackAsync(Day, Cancelled));
        Assert.Equal(["mine.ndjson"], Names);
    }

    [Fact]
    public async Task Retention_removes_nothing_that_could_not_be_archived_and_goes_on_when_it_can()
    {
        var clock = new ManualClock();
        await File.WriteAllTextAsync(Archive, "a file where the folder should be", Cancelled);
        await using var relay = await TestRelay.StartAsync(
            "listen: http://127.0.0.1:0\nstore: 'memory:'\nservices: { shop: { url: 'http://127.0.0.1:1/' } }\n"
            + $"queues: {{ orders: {{ deliver_to: shop }} }}\ndead_letter_queue: {{ retention: 1h, archive: '{Archive}' }}\n",
            TestRelay.Refuses, new InMemoryMessageStore(clock), clock);
        var id = await relay.AcceptedAsync("orders", "kept");
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 1);
        clock.Advance(TimeSpan.FromHours(2));
        Assert.Equal("dead", await StateAsync(relay, id));
        File.Delete(Archive);
        clock.Advance(TimeSpan.FromSeconds(15));
        await relay.UntilAsync($"/v1/messages/{id}", found => found["deliveries"]![0]!["state"]!.GetValue<string>() == "discarded");
        Assert.Equal(["kept"], await BodiesAsync(Path.GetFileName(Assert.Single(Directory.GetFiles(Archive)))));
    }

    private static async Task<string> StateAsync(TestRelay relay, string id) =>
        (await relay.GetAsync($"/v1/messages/{id}"))["deliveries"]![0]!["state"]!.GetValue<string>();
}
