using Recourse.Cli.Client;

namespace Recourse.Cli.Demo;

/// <summary>
/// The demonstration from start to verdict: send, kill, restart, mend, replay, settle, count. Everything it starts ends with it, also when
/// it fails or is interrupted.
/// </summary>
internal sealed class DemoRun(DemoOptions options, TimeProvider clock)
{
    private const double KillAt = 0.45;
    private const double OutageEndsAt = 0.65;
    // From the answer of a service to the relay's disk: milliseconds; on a machine that does much else, seconds.
    private static readonly TimeSpan CommitWindow = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);
    private readonly Ledger _ledger = new(clock);
    private readonly DemoScreen _screen = new(clock);
    private int _replayed;
    private int _kills;
    private TimeSpan? _recovery;

    /// <summary>Runs it; <paramref name="onVerdict"/> is told the result before the relay stays, where that was asked for.</summary>
    public async Task<DemoResult> RunAsync(Action<DemoResult> onVerdict, CancellationToken cancellationToken)
    {
        var input = await DemoInput.ReadAsync(options, cancellationToken);
        var folder = Directory.CreateTempSubdirectory("recourse-demo-").FullName;
        try
        {
            await using var stage = new DemoStage(_ledger, input.Count, options.Seed);
            await stage.StartAsync();
            var port = LoopbackPort.Free();
            var configuration = Path.Combine(folder, "recourse.yaml");
            await File.WriteAllTextAsync(configuration, stage.Configuration(port), cancellationToken);
            await using var relay = new RelayProcess(configuration, new($"http://127.0.0.1:{port}"), clock);
            await relay.StartAsync(StartLimit, cancellationToken);
            DemoScreen.Say($"Dashboard: {relay.Address}   {input.Description}, seed {options.Seed}");
            using var client = new RelayClient(relay.Address);
            var result = await PlayAsync(stage, relay, client, input, cancellationToken);
            result = result with { Kept = options.Keep ? folder : null };
            onVerdict(result);
            if (options.Stay) await StayAsync(relay, cancellationToken);
            return result;
        }
        finally
        {
            if (!options.Keep) Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<DemoResult> PlayAsync(
        DemoStage stage, RelayProcess relay, RelayClient client, DemoInput input, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(options.Limit, clock);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var watch = new DemoWatch(client, _ledger, input.Count);
        var senders = new DemoSenders(client, _ledger, input, options);
        var gaveUp = await _screen.RunAsync(async () =>
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var watching = watch.RunAsync(_screen.Show, over.Token);
            try
            {
                await ActAsync(stage, relay, client, senders, watch, limited.Token);
                return false;
            }
            catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                return true;
            }
            finally
            {
                await over.CancelAsync();
                await ((Task)watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        });
        return await CountAsync(client, watch, senders, gaveUp, cancellationToken);
    }

    private async Task ActAsync(
        DemoStage stage, RelayProcess relay, RelayClient client, DemoSenders senders, DemoWatch watch, CancellationToken cancellationToken)
    {
        watch.Phase = "sending; billing is down";
        var sending = senders.RunAsync(cancellationToken);
        if (options.Kill)
        {
            await SentAsync(KillAt, watch, sending, cancellationToken);
            watch.Phase = "relay killed with SIGKILL, starting again";
            await relay.KillAsync();
            _ledger.Killed();
            _kills++;
            _recovery = await relay.StartAsync(StartLimit, cancellationToken);
            watch.Phase = "relay is back; sending";
        }
        await SentAsync(OutageEndsAt, watch, sending, cancellationToken);
        watch.Phase = "billing is back; sending";
        await stage.EndOutageAsync();
        await sending;
        watch.Phase = "all sent; delivering the rest";
        await watch.UntilAsync(status => status.Books.Waiting == 0, cancellationToken);
        stage.Mend();
        watch.Phase = "accounts is mended; replaying the dead letters";
        _replayed = await ReplayAsync(client, cancellationToken);
        await watch.UntilAsync(status => status.Books.Waiting == 0, cancellationToken);
        watch.Phase = "settled";
    }

    /// <summary>Waits until a share of the messages is acknowledged; a sender that failed ends the wait with its error.</summary>
    private async Task SentAsync(double share, DemoWatch watch, Task sending, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50), clock);
        while (_ledger.Counts.Acknowledged < share * watch.Status.ToSend)
        {
            if (sending.IsCompleted) await sending;
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    private async Task<int> ReplayAsync(RelayClient client, CancellationToken cancellationToken)
    {
        var patience = new Patience(client, TimeSpan.FromSeconds(30), clock);
        var ids = new List<string>();
        await foreach (var (letter, _) in client.DeadLettersAsync(new(), cancellationToken: cancellationToken)) ids.Add(letter.Id);
        foreach (var id in ids)
            await patience.TryAsync(() => client.ActAsync($"v1/dead-letters/{id}:replay", cancellationToken), cancellationToken);
        return ids.Count;
    }

    private async Task<DemoResult> CountAsync(
        RelayClient client, DemoWatch watch, DemoSenders senders, bool gaveUp, CancellationToken cancellationToken)
    {
        var books = (await watch.LookAsync(cancellationToken)).Books;
        var page = _ledger.Read();
        var seen = await LateAnswers.ExplainAsync(client, Findings.From(page, clock, CommitWindow), cancellationToken);
        var held = await Holdings.CountAsync(client, seen.Missing, cancellationToken);
        var verdict = DemoVerdict.Of(seen, books, held, DemoStage.PermitsPerService);
        return new()
        {
            Balanced = verdict.Balanced && !gaveUp,
            GaveUp = gaveUp,
            Seed = options.Seed,
            Seconds = Math.Round(watch.Elapsed.TotalSeconds, 1),
            Messages = page.Sent.Count,
            Accepted = seen.Owed,
            Delivered = books.Delivered,
            Dead = books.Dead,
            Waiting = books.Waiting,
            Lost = verdict.Lost,
            Altered = seen.Altered,
            OutOfOrder = seen.OutOfOrder,
            Replayed = _replayed,
            Duplicates = new(seen.RepeatedAfterLostAnswer, seen.RepeatedAfterKill, seen.RepeatedWithoutCause),
            Kills = _kills,
            RecoverySeconds = _recovery is { } time ? Math.Round(time.TotalSeconds, 2) : null,
            RetriesOfSendersRecognised = senders.RecognisedRetries,
            Objections = verdict.Objections,
        };
    }

    private static async Task StayAsync(RelayProcess relay, CancellationToken cancellationToken)
    {
        DemoScreen.Say($"The relay stays at {relay.Address} until Ctrl-C.");
        var ended = new TaskCompletionSource();
        await using var registration = cancellationToken.Register(ended.SetResult);
        await ended.Task;
    }
}

/// <summary>Asks the relay about deliveries that no service saw.</summary>
internal static class Holdings
{
    // So many questions are asked at most; whatever is beyond them counts as not held, which can only make a verdict worse.
    private const int MostAsked = 2_000;

    /// <summary>How many of <paramref name="missing"/> the relay still holds, as dead or waiting or put away by an operator.</summary>
    public static async Task<int> CountAsync(
        RelayClient client, IReadOnlyList<(string MessageId, string Service)> missing, CancellationToken cancellationToken)
    {
        var held = 0;
        foreach (var (messageId, service) in missing.Take(MostAsked))
        {
            try
            {
                var message = await client.GetAsync($"v1/messages/{messageId}", RelayJson.Default.MessageAnswer, cancellationToken);
                if (message.Deliveries.Any(delivery => delivery.Service == service && delivery.State is not ("delivered" or ""))) held++;
            }
            catch (CliException error) when (error.ExitCode == ExitCode.NotFound)
            {
                // The relay does not know it: that is the loss which is looked for.
            }
        }
        return held;
    }
}
