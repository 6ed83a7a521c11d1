using Recourse.Cli.Client;
using Recourse.Cli.Demo;
using Recourse.Cli.Sending;
using Recourse.Tests;

namespace Recourse.Server.Tests.Kill;

/// <summary>
/// The promise of the relay, measured from outside over HTTP: the process is ended with SIGKILL again and again, at any moment, while
/// services fail in every ordinary way. RECOURSE_LONG=1 kills 120 times instead of 24; RECOURSE_SEED repeats a run's moods and moments.
/// </summary>
public class KillTests(ITestOutputHelper output)
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan SettleLimit = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CommitWindow = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task What_was_acknowledged_is_delivered_or_dead_however_often_the_relay_is_killed()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var given) ? given
            : Random.Shared.Next(1, 1_000_000);
        var kills = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 120 : 24;
        output.WriteLine($"seed {seed}, {kills} kills");
        var cancellationToken = TestContext.Current.CancellationToken;
        await using var scene = new KillScene(seed);
        await scene.StartAsync();
        using var client = new RelayClient(scene.Relay.Address);
        await scene.Relay.StartAsync(StartLimit, cancellationToken);
        var producers = new KillProducers(scene, client, await PayloadsAsync(cancellationToken));
        var producing = producers.RunAsync(cancellationToken);
        var reported = await KillAsync(scene, client, kills, new Random(seed), producing, cancellationToken);
        producers.Stop();
        await producing;
        scene.Calm();

        await SettleAsync(client, "all but the dead letters and what waits behind them is delivered");
        var dead = await ReplayUntilNothingIsDeadAsync(scene, client, cancellationToken);
        await CheckAsync(scene, client, dead, reported, cancellationToken);
    }

    private async Task CheckAsync(
        KillScene scene, RelayClient client, int dead, Dictionary<(string, string), long> reported, CancellationToken cancellationToken)
    {
        var page = scene.Ledger.Read();
        var seen = await LateAnswers.ExplainAsync(client, Findings.From(page, TimeProvider.System, CommitWindow), cancellationToken);
        var books = RelayBooks.Of((await client.GetAsync("v1/queues", RelayJson.Default.ListingQueueAnswer, cancellationToken)).Items);
        output.WriteLine($"{page.Sent.Count} messages, {seen.Owed} deliveries, {dead} dead letters replayed; repeats: "
            + $"{seen.RepeatedAfterLostAnswer} after lost "
            + $"answers, {seen.RepeatedAfterKill} after kills (at most {seen.MostAfterOneKill} of one service after one kill), "
                + $"{seen.RepeatedWithoutCause} without cause");
        output.WriteLine($"the relay's books: {books}");
        var held = await Holdings.CountAsync(client, seen.Missing, cancellationToken);
        var verdict = DemoVerdict.Of(seen, books, held, KillScene.Permits);
        Assert.True(verdict.Balanced, string.Join(Environment.NewLine, verdict.Objections));
        Assert.Equal((seen.Owed, 0L, 0L), (seen.Arrived, books.Dead, books.Waiting));
        var again = page.Effects.Where(
            effect => reported.TryGetValue((effect.MessageId, effect.Service), out var at) && effect.Arrival.At > at);
        Assert.Empty(again.Select(effect => $"{effect.DeliveryId} was sent to {effect.Service} after it had been reported delivered"));
        Assert.True(page.Sent.Count > 10 * page.Kills.Count,
            $"Only {page.Sent.Count} messages were sent in {page.Kills.Count} kills: this proves little.");
    }

    /// <summary>Kills and restarts; answers with what the relay had reported delivered, and when that was known.</summary>
    private static async Task<Dictionary<(string, string), long>> KillAsync(
        KillScene scene, RelayClient client, int kills, Random moments, Task producing, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var reported = new Dictionary<(string, string), long>();
        for (var kill = 0; kill < kills; kill++)
        {
            var before = scene.Ledger.Counts.Acknowledged;
            await Eventually.HoldsAsync("messages are acknowledged again after a restart", StartLimit, async _ =>
            {
                if (producing.IsFaulted) await producing;
                return scene.Ledger.Counts.Acknowledged > before + 20;
            });
            await NoteDeliveredAsync(client, reported, clock, cancellationToken);
            await Task.Delay(TimeSpan.FromMilliseconds(moments.Next(0, 500)), clock, cancellationToken);
            await scene.Relay.KillAsync();
            scene.Ledger.Killed();
            if (moments.Next(5) == 0)
            {
                // A relay that is killed while it starts must not be worse off.
                scene.Relay.Launch();
                await Task.Delay(TimeSpan.FromMilliseconds(moments.Next(0, 1_000)), clock, cancellationToken);
                await scene.Relay.KillAsync();
                scene.Ledger.Killed();
            }
            await scene.Relay.StartAsync(StartLimit, cancellationToken);
        }
        return reported;
    }

    private static async Task NoteDeliveredAsync(
        RelayClient client, Dictionary<(string, string), long> reported, TimeProvider clock, CancellationToken cancellationToken)
    {
        var page = await client.GetAsync(
            "v1/messages?state=delivered&limit=500", RelayJson.Default.ListingMessageAnswer, cancellationToken);
        var now = clock.GetTimestamp();
        foreach (var message in page.Items)
        {
            foreach (var delivery in message.Deliveries.Where(delivery => delivery.State == "delivered"))
                reported.TryAdd((message.Id, delivery.Service), now);
        }
    }

    /// <summary>Dead letters of a lane come to light one after the other: replay until none is left.</summary>
    private static async Task<int> ReplayUntilNothingIsDeadAsync(KillScene scene, RelayClient client, CancellationToken cancellationToken)
    {
        scene.Mend();
        var replayed = 0;
        while (true)
        {
            var dead = new List<string>();
            await foreach (var (letter, _) in client.DeadLettersAsync(new(), cancellationToken: cancellationToken)) dead.Add(letter.Id);
            if (dead.Count == 0)
            {
                await SettleAsync(client, "nothing waits any more");
                return replayed;
            }
            foreach (var id in dead) await client.ActAsync($"v1/dead-letters/{id}:replay", cancellationToken);
            replayed += dead.Count;
            await SettleAsync(client, "the replayed dead letters are delivered");
        }
    }

    /// <summary>Nothing is in hand or delayed, and what waits is blocked behind a dead letter of its lane.</summary>
    private static Task SettleAsync(RelayClient client, string what) => Eventually.HoldsAsync(what, SettleLimit, async token =>
    {
        var books = await client.GetAsync("v1/queues", RelayJson.Default.ListingQueueAnswer, token);
        if (books.Items.Any(queue => queue.Delayed + queue.Leased > 0)) return false;
        if (books.Items.All(queue => queue.Waiting == 0)) return true;
        if (books.Items.All(queue => queue.Dead == 0)) return false;
        var waiting = await client.GetAsync("v1/messages?state=waiting&limit=500", RelayJson.Default.ListingMessageAnswer, token);
        return waiting.Items.SelectMany(message => message.Deliveries).All(delivery => delivery.Blocked);
    });

    private async Task<IReadOnlyList<byte[]>> PayloadsAsync(CancellationToken cancellationToken)
    {
        if (SharedData.Find("webhooks/github.ndjson") is not { } file)
        {
            output.WriteLine("The real webhooks are not on this machine; bodies are made up.");
            return [];
        }
        var payloads = new List<byte[]>();
        await using var stream = File.OpenRead(file);
        await foreach (var line in LineReader.ReadAsync(stream, null, cancellationToken)) payloads.Add(line.Body);
        return payloads;
    }
}
