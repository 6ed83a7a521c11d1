using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Durable.Tests;
using Recourse.Server.Tests.Configuration;
using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Server.Tests.Kill;

/// <summary>
/// A real relay that archives dead letters, discards them and packs the file of the day: killed by its own Nth write, sync, rename or
/// removal (strace puts the signal there), and watched for what it syncs before what.
/// </summary>
public sealed class ArchiveKillTests : IDisposable
{
    private const int Letters = 40;
    private const int KillsMin = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private readonly Folder _folder = new();

    public ArchiveKillTests() => FaultInjection.RequireStrace();

    private string Archive => _folder.Path("archive");

    private string Db => _folder.Path("relay.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact, Trait("Category", "Slow")]
    public async Task A_letter_is_in_the_store_or_in_the_archive_wherever_the_relay_is_killed()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), CultureInfo.InvariantCulture, out var given) ? given
            : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"seed {seed}");
        var (random, bodies, kills) = (new Random(seed), await DieAsync(), 0);
        // The thread that writes the store makes a thousand calls, those that write the archive a dozen each: both are to be met. First the
        // early ones, which no run gets past.
        while (!Run(FaultInjection.KillAt("pwrite64,fsync,fdatasync,rename,unlink",
            kills < KillsMin || random.Next(2) == 0 ? random.Next(1, 15) : random.Next(15, 400))))
        {
            kills++;
            var archived = await ArchivedAsync();
            await using var store = await Eventually.SeesAsync("the killed relay lets go of its file", Limit, _ => OpenAsync());
            foreach (var (id, body) in bodies)
            {
                if (await store.Queries.DeliveryAsync(id, Cancelled) is not { State: DeliveryState.Dead })
                    Assert.Equal(body, archived.GetValueOrDefault(id.ToString()));
            }
        }
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills");
        Assert.True(kills >= KillsMin, $"Only {kills} kills met the relay.");
        Assert.Equal(bodies.ToDictionary(letter => letter.Key.ToString(), letter => letter.Value), await ArchivedAsync());
        Assert.Empty(Directory.GetFiles(Archive, "*.ndjson"));
    }

    [Fact]
    public async Task Nothing_is_discarded_or_removed_before_what_keeps_it_is_on_the_disk()
    {
        await DieAsync();
        var log = _folder.Path("calls");
        Assert.True(Run(["strace", "-f", "--seccomp-bpf", "-qqq", "-y", "-s", "0", "-o", log, "-e",
            "trace=write,pwrite64,fsync,fdatasync,rename,link,unlink"]));
        var (unsynced, unsyncedName, seen) = (new HashSet<string>(), false, new HashSet<string>());
        var (archived, discarded, packed) = (0, 0, 0);
        foreach (var call in await File.ReadAllLinesAsync(log, Cancelled))
        {
            var (name, path) = Call(call);
            var mine = path.StartsWith(Archive + "/", StringComparison.Ordinal);
            if (name.EndsWith("write64", StringComparison.Ordinal) && mine)
            {
                archived += path.EndsWith(".ndjson", StringComparison.Ordinal) ? 1 : 0;
                unsynced.Add(path);
                unsyncedName |= seen.Add(path);
            }
            else if (name.EndsWith("sync", StringComparison.Ordinal))
            {
                unsynced.Remove(path);
                unsyncedName &= path != Archive;
            }
            else if (name is "pwrite64" && path == Db + "-wal" && archived > 0)
            {
                discarded++;
                Assert.True(unsynced.Count == 0 && !unsyncedName, $"Discarded before the archive was on the disk: {call}");
            }
            else if (name is "rename" or "link" && mine)
            {
                Assert.True(unsynced.Count == 0, $"Named before it was on the disk: {call}");
                unsyncedName = true;
            }
            else if (name is "unlink" && mine && path.EndsWith(".ndjson", StringComparison.Ordinal))
            {
                packed++;
                Assert.True(unsynced.Count == 0 && !unsyncedName, $"Removed before the packed file was on the disk: {call}");
            }
        }
        Assert.True(archived > 0 && discarded >= Letters && packed > 0, $"{archived} writes, {discarded} commits, {packed} packed files");
    }

    /// <summary>The name of a call and the path that it is about: <c>17 fsync(9&lt;/a/b&gt;) = 0</c>, <c>unlink("/a/b")</c>.</summary>
    private static (string Name, string Path) Call(string line)
    {
        var text = line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..].TrimStart();
        var open = text.IndexOf('(', StringComparison.Ordinal);
        if (open < 0)
            return ("", "");
        var begin = text.IndexOfAny(['<', '"'], open) + 1;
        var end = begin == 0 ? 0 : text.IndexOfAny(['>', '"'], begin);
        return (text[..open], end <= begin ? "" : text[begin..end]);
    }

    /// <summary>Runs the relay until it has nothing left to do; false when it was killed.</summary>
    private bool Run(string[] strace)
    {
        var config = _folder.Write("recourse.yaml", "listen: http://127.0.0.1:0\nstore: sqlite:relay.db\n"
            + "services: { shop: { url: \"http://127.0.0.1:9/\" } }\nqueues: { orders: { deliver_to: shop } }\n"
            + "keep_delivered: 30d\ndead_letter_queue: { retention: 1h, archive: archive }\n");
        string[] command =
            [.. strace, "dotnet", Path.Combine(AppContext.BaseDirectory, "Recourse.RelayChild.dll"), config, Db, Archive];
        using var relay = Process.Start(
            new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = relay.StandardError.ReadToEndAsync(Cancelled);
        var done = relay.StandardOutput.ReadToEnd().Contains("done", StringComparison.Ordinal);
        relay.WaitForExit();
        // 128 + SIGKILL, or that signal itself: anything else is a defect of the relay.
        Assert.True(done || relay.ExitCode == 137, $"The relay ended with {relay.ExitCode}: {errors.GetAwaiter().GetResult()}");
        return done;
    }

    private async Task<SqliteMessageStore?> OpenAsync()
    {
        var store = new SqliteMessageStore(new SqliteStoreOptions { Path = Db }, new ManualClock());
        try
        {
            await store.OpenAsync(Cancelled);
            return store;
        }
        catch (StoreException error) when (error.Problem is StoreProblem.Locked)
        {
            await store.DisposeAsync();
            return null;
        }
    }

    /// <summary>Dead letters with their bodies, on the first day of the year.</summary>
    private async Task<Dictionary<DeliveryId, string>> DieAsync()
    {
        await using var store = (await OpenAsync())!;
        var bodies = new Dictionary<DeliveryId, string>();
        for (var number = 0; number < Letters; number++)
        {
            var body = $"letter {number} {new string('x', number * 20)}";
            await store.CommitAsync(
                new EnqueueCommand(new() { Queue = "orders", Services = ["shop"], Body = Encoding.UTF8.GetBytes(body) }), Cancelled);
            var held = (await store.CommitAsync(new ClaimCommand("shop", 1, "n"), Cancelled)).Deliveries[0];
            await store.CommitAsync(new FailCommand(held.Id, held.Lease,
                new() { Number = 1, StartedAt = held.ClaimedAt, Outcome = "failed", Error = "no" }, Classification.Unknown,
                new(DeliveryAction.DeadLetter, null, "no")), Cancelled);
            bodies.Add(held.Id, body);
        }
        return bodies;
    }

    /// <summary>The bodies of all whole lines, by the letter's id; what a kill cut off is none.</summary>
    private async Task<Dictionary<string, string>> ArchivedAsync()
    {
        var found = new Dictionary<string, string>();
        if (!Directory.Exists(Archive))
            return found;
        foreach (var path in Directory.GetFiles(Archive).Where(path => !path.EndsWith(".part", StringComparison.Ordinal)))
        {
            await using var file = File.OpenRead(path);
            await using Stream plain = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress)
                : file;
            using var reader = new StreamReader(plain);
            while (await reader.ReadLineAsync(Cancelled) is { } line)
            {
                if (Parsed(line) is { } letter)
                    found[letter["id"]!.GetValue<string>()] = Encoding.UTF8.GetString(
                        Convert.FromBase64String(letter["body_base64"]!.GetValue<string>()));
            }
        }
        return found;
    }

    private static JsonNode? Parsed(string line)
    {
        try
        {
            return JsonNode.Parse(line);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
