using System.Diagnostics;
using System.Globalization;
using Recourse.Sqlite;

namespace Recourse.Durable.Tests;

/// <summary>What the child had acknowledged, over all its lives.</summary>
internal sealed class CrashLog
{
    public HashSet<Guid> Stored { get; } = [];
    public HashSet<DeliveryId> Delivered { get; } = [];
    public HashSet<DeliveryId> Dead { get; } = [];
    public List<string> Refusals { get; } = [];
    /// <summary>Claimed at least once: only those may have been delivered and pruned.</summary>
    public HashSet<DeliveryId> Claimed { get; } = [];
    public HashSet<DeliveryId> Imported { get; } = [];
    public List<string> Backups { get; } = [];
    public int Migrations { get; private set; }
    public int Pruned { get; private set; }

    /// <summary>
    /// Runs the child until it has printed so many lines, then kills it (or until it ends by itself); how many lines there were.
    /// </summary>
    public int Run(string path, int seed, int lines, int refusalsMax = 0, params string[] wrapper) =>
        Run(path, seed, lines, refusalsMax, "work", wrapper);

    /// <inheritdoc cref="Run(string, int, int, int, string[])"/>
    public int Run(string path, int seed, int lines, int refusalsMax, string also, string[] wrapper)
    {
        string[] command = [.. wrapper, "dotnet", Path.Combine(AppContext.BaseDirectory, "Recourse.CrashChild.dll"), path, $"{seed}",
            $"{refusalsMax}", also];
        using var child = Process.Start(
            new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = child.StandardError.ReadToEndAsync();
        var count = 0;
        try
        {
            while (child.StandardOutput.ReadLine() is { } line)
            {
                Note(line);
                // SIGKILL: no handler runs. What it had printed before is still read to the end.
                if (++count == lines)
                    child.Kill(entireProcessTree: true);
            }
        }
        finally
        {
            if (!child.HasExited)
                child.Kill(entireProcessTree: true);
        }
        child.WaitForExit();
        if (wrapper.Length > 0)
            UntilReleased(path);
        if (count < lines && refusalsMax == 0 && wrapper.Length == 0)
            Assert.Fail($"The child ended by itself after {count} lines: {errors.GetAwaiter().GetResult()}");
        return count;
    }

    /// <summary>What is traced may outlive its tracer by a moment.</summary>
    private static void UntilReleased(string path)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                StoreFile.Take(path).Dispose();
                return;
            }
            catch (StoreException error) when (error.Problem is StoreProblem.Locked
                && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30))
            {
                Thread.Yield();
            }
        }
    }

    private void Note(string line)
    {
        // The last line may be cut off by the kill: then nobody was told.
        var text = line.Length > 2 ? line[2..] : "";
        switch (line)
        {
            case ['+', ..] when Guid.TryParseExact(text, "D", out var id): Stored.Add(id); break;
            case ['=', ..] when DeliveryId.TryParse(text, out var id): Delivered.Add(id); break;
            case ['!', ..] when DeliveryId.TryParse(text, out var id): Dead.Add(id); break;
            case ['?', ..]: Refusals.Add(text); break;
            case ['>', ..] when DeliveryId.TryParse(text, out var id): Claimed.Add(id); break;
            case ['b', ..] when text.EndsWith(".bak", StringComparison.Ordinal): Backups.Add(text); break;
            case ['i', ..] when DeliveryId.TryParse(text, out var id): Imported.Add(id); break;
            case ['m', ..]: Migrations++; break;
            case ['-', ..] when int.TryParse(text, CultureInfo.InvariantCulture, out var count): Pruned += count; break;
            default: break;
        }
    }

    /// <summary>Nothing acknowledged is lost, no outcome was taken back, the books balance.</summary>
    public async Task CheckAsync(MessageStore store, StoreOpening opening, bool pruned = false)
    {
        var found = new Dictionary<DeliveryId, DeliverySummary>();
        string? after = null;
        do
        {
            var page = await store.Queries.DeliveriesAsync(new() { Limit = 500, After = after });
            foreach (var item in page.Items)
                found.Add(item.Id, item);
            after = page.Next;
        }
        while (after is not null);

        Assert.All(Stored, id => Assert.True(found.ContainsKey(new(id, 0)) || (pruned && Claimed.Contains(new(id, 0))),
            $"{id} was acknowledged and is lost"));
        Assert.All(Delivered, id => Assert.Equal((id, DeliveryState.Delivered),
            (id, pruned && !found.ContainsKey(id) ? DeliveryState.Delivered : found[id].State)));
        Assert.All(Dead, id => Assert.Equal((id, DeliveryState.Dead), (id, found[id].State)));
        Assert.All(Imported, id => Assert.Equal((id, DeliveryState.Dead), (id, found[id].State)));
        Assert.DoesNotContain(found.Values, item => item.State is DeliveryState.Leased);
        // Some may be left from an earlier crash: the child was killed before it came to them.
        Assert.True(found.Values.Count(item =>
            item.Suspect && item.State is not DeliveryState.Dead) >= opening.Suspects - opening.Poisoned);

        var counts = Assert.Single(await store.Queries.QueuesAsync());
        StoreContract.AssertBalanced(counts);
        var gone = pruned ? counts.Accepted - found.Count : 0;
        Assert.Equal(found.Count, counts.Accepted - gone);
        foreach (var (state, count) in new[]
        {
            (DeliveryState.Delivered, counts.Delivered - gone), (DeliveryState.Dead, counts.Dead), (DeliveryState.Waiting, counts.Waiting),
        })
            Assert.Equal((state, count), (state, found.Values.Count(item => item.State == state)));
    }
}
