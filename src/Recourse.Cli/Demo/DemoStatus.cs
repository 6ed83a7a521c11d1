using Recourse.Cli.Client;

namespace Recourse.Cli.Demo;

/// <summary>What the screen shows; replaced as a whole, so that it is read without a lock.</summary>
internal sealed record DemoStatus
{
    public string Phase { get; init; } = "";
    public TimeSpan Elapsed { get; init; }
    public int Acknowledged { get; init; }
    public int ToSend { get; init; }
    public double PerSecond { get; init; }
    public bool RelayUp { get; init; } = true;
    public IReadOnlyList<QueueAnswer> Queues { get; init; } = [];
    public IReadOnlyList<ServiceAnswer> Services { get; init; } = [];
    public IReadOnlyDictionary<string, int> DeadByKind { get; init; } = new Dictionary<string, int>();

    public RelayBooks Books => RelayBooks.Of(Queues);
}

/// <summary>Asks the relay how things are, twice a second; while the relay is down, the last answer stays, marked.</summary>
internal sealed class DemoWatch(RelayClient relay, Ledger ledger, int toSend)
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);
    private readonly long _started = ledger.Clock.GetTimestamp();
    private volatile DemoStatus _status = new() { ToSend = toSend };
    private volatile string _phase = "";

    public DemoStatus Status => _status;

    public TimeSpan Elapsed => ledger.Clock.GetElapsedTime(_started);

    /// <summary>What the demonstration does now, in words.</summary>
    public string Phase
    {
        get => _phase;
        set
        {
            _phase = value;
            _status = _status with { Phase = value };
        }
    }

    /// <summary>Watches until cancelled; tells <paramref name="onStatus"/> after each look.</summary>
    public async Task RunAsync(Action<DemoStatus> onStatus, CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Every, ledger.Clock);
        do
        {
            onStatus(await LookAsync(cancellationToken));
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    /// <summary>Waits until <paramref name="condition"/> holds for two looks in a row.</summary>
    public async Task UntilAsync(Func<DemoStatus, bool> condition, CancellationToken cancellationToken)
    {
        var inARow = 0;
        while (inARow < 2)
        {
            inARow = await LookAsync(cancellationToken) is { RelayUp: true } status && condition(status) ? inARow + 1 : 0;
            if (inARow < 2) await Task.Delay(Every / 2, ledger.Clock, cancellationToken);
        }
    }

    /// <summary>Asks the relay now.</summary>
    public async Task<DemoStatus> LookAsync(CancellationToken cancellationToken)
    {
        var before = _status;
        var acknowledged = ledger.Counts.Acknowledged;
        var elapsed = Elapsed;
        try
        {
            var queues = await relay.GetAsync("v1/queues", RelayJson.Default.ListingQueueAnswer, cancellationToken);
            var services = await relay.GetAsync("v1/services", RelayJson.Default.ListingServiceAnswer, cancellationToken);
            var letters = await relay
                .GetAsync($"v1/dead-letters?limit={Paging.PageLimit}", RelayJson.Default.ListingDeadLetterAnswer, cancellationToken);
            var kinds = letters.Items.GroupBy(letter => letter.Kind ?? "unknown").ToDictionary(group => group.Key, group => group.Count());
            var delivered = RelayBooks.Of(queues.Items).Delivered;
            var seconds = (elapsed - before.Elapsed).TotalSeconds;
            var rate = before.Queues.Count > 0 && seconds > 0.1 ? (delivered - before.Books.Delivered) / seconds : before.PerSecond;
            return _status = new()
            {
                Phase = _phase,
                Elapsed = elapsed,
                Acknowledged = acknowledged,
                ToSend = toSend,
                PerSecond = Math.Max(0, rate),
                Queues = queues.Items,
                Services = services.Items,
                DeadByKind = kinds,
            };
        }
        catch (CliException)
        {
            return _status = before with { Phase = _phase, Acknowledged = acknowledged, PerSecond = 0, RelayUp = false };
        }
    }
}
