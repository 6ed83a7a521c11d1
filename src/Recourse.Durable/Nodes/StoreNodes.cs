using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse.Durable;

/// <summary>
/// This node among those that share a store: pulses every second, takes over what dead nodes had in hand, and tells its observers what
/// changed. Survives the store being down. A store that several nodes can share has one; the others have none.
/// </summary>
public sealed class StoreNodes : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    // A node that joins takes no permits until the others have had time to give some up.
    private const int PulsesBeforeShare = 2;

    private readonly MessageStore _store;
    private readonly Func<NodeIdentity> _identity;
    private readonly NodeJudge _judge;
    private readonly WakeSignal _wake;
    private readonly Lock _lock = new();
    private readonly List<Action<NodeNews>> _observers = [];
    private IReadOnlyDictionary<string, long>? _resets;
    private Pulse? _last;
    private Task _loop = Task.CompletedTask;
    private volatile bool _stopping;
    private long _id;
    private int _pulses;
    private int _failures;

    internal StoreNodes(MessageStore store, Func<NodeIdentity> identity, TimeProvider time)
    {
        (_store, _identity) = (store, identity);
        (_judge, _wake) = (new(time), new(time));
    }

    /// <summary>The number of this start of the node; another one after others have declared it dead.</summary>
    public long Id => Interlocked.Read(ref _id);

    /// <summary>This node's part of what the live nodes divide.</summary>
    public NodeShare Share { get; private set; } = NodeShare.Whole;

    /// <summary>True when this node does for all what one must do.</summary>
    public bool Housekeeping => _last?.Housekeeping ?? false;

    /// <summary>How many nodes live, as far as this one knows.</summary>
    public int Count => _last?.Nodes.Count ?? 1;

    /// <summary>Where troubles and takeovers are logged. Default: nowhere.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>
    /// Calls an observer with each news, one at a time, on the loop of the pulses; what it throws is logged. Ends with the store.
    /// </summary>
    public void Observe(Action<NodeNews> observer)
    {
        lock (_lock) _observers.Add(observer);
        // It begins late: what was told before, it is told now.
        if (_last is { } last) Tell(observer, new(Share, last.Controls, [], [], 0));
    }

    /// <summary>Registers this node; called once, while the store opens.</summary>
    internal async Task JoinAsync(bool beginPulses)
    {
        var pulse = await _store.CommitAsync(new PulseCommand(0, _identity()));
        Interlocked.Exchange(ref _id, pulse.Id);
        _pulses = pulse.Nodes.Count == 1 ? PulsesBeforeShare : 0;
        Take(pulse, 0);
        if (beginPulses) _loop = Task.Run(RunAsync);
    }

    /// <summary>The loop sleeps until its next pulse. For tests.</summary>
    internal bool IsAsleep => _wake.IsAsleep;

    /// <summary>Another node said that services have work.</summary>
    internal void HasWork(IReadOnlyList<string> services) => TellAll(new(Share, _last?.Controls ?? [], [], services, 0));

    /// <summary>One pulse, and the takeover that follows from it.</summary>
    internal async Task PulseAsync()
    {
        var before = Id;
        var pulse = await _store.CommitAsync(new PulseCommand(before, _identity()));
        if (pulse.Id != before)
        {
            Interlocked.Exchange(ref _id, pulse.Id);
            _pulses = 0;
            NodeLog.StruckOff(Logger, before, pulse.Id);
        }
        var dead = _judge.Dead(pulse.Nodes, pulse.Id);
        var suspects = 0;
        if (dead.Count > 0 || pulse.Orphans)
        {
            var taken = await _store.CommitAsync(new TakeOverCommand(dead));
            suspects = taken.Suspects;
            if (dead.Count > 0 || suspects > 0)
                NodeLog.TookOver(Logger, string.Join(", ", dead.Select(node => node.Id)), suspects, taken.Poisoned);
            pulse = pulse with { Nodes = [.. pulse.Nodes.Except(dead)] };
        }
        Take(pulse, suspects);
    }

    private void Take(Pulse pulse, int suspects)
    {
        var alone = pulse.Nodes.Count == 1;
        _pulses = alone ? PulsesBeforeShare : Math.Min(_pulses + 1, PulsesBeforeShare + 1);
        var place = 0;
        while (place < pulse.Nodes.Count && pulse.Nodes[place].Id != pulse.Id) place++;
        Share = alone ? NodeShare.Whole : new(_pulses > PulsesBeforeShare ? place : -1, pulse.Nodes.Count);
        var resets = _resets is null ? [] : pulse.Resets
            .Where(reset => _resets.GetValueOrDefault(reset.Key) != reset.Value).Select(reset => reset.Key).ToList();
        _resets = pulse.Resets;
        _last = pulse;
        TellAll(new(Share, pulse.Controls, resets, [], suspects));
    }

    private void TellAll(NodeNews news)
    {
        Action<NodeNews>[] observers;
        lock (_lock) observers = [.. _observers];
        foreach (var observer in observers) Tell(observer, news);
    }

    private void Tell(Action<NodeNews> observer, NodeNews news)
    {
        try
        {
            observer(news);
        }
        catch (Exception error)
        {
            NodeLog.ObserverFailed(Logger, error);
        }
    }

    private async Task RunAsync()
    {
        await _wake.SleepAsync(Pause);
        while (!_stopping)
        {
            try
            {
                await PulseAsync();
                if (_failures > 0) NodeLog.PulseWell(Logger, _failures);
                _failures = 0;
            }
            catch (Exception error)
            {
                // Once is worth a line, every second of an outage is not.
                if (_failures++ == 0) NodeLog.PulseFailed(Logger, error.Message);
            }
            if (!_stopping) await _wake.SleepAsync(Pause);
        }
    }

    /// <summary>Ends the pulses and strikes this node off, if the store still answers.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping) return;
        _stopping = true;
        _wake.Set();
        await _loop;
        try
        {
            await _store.CommitAsync(new LeaveCommand(Id));
        }
        catch (StoreException)
        {
            // The others notice by themselves that it is gone.
        }
    }
}

/// <summary>What changed for a node that shares its store with others.</summary>
/// <param name="Share">Its part of what the live nodes divide.</param>
/// <param name="Controls">What operators hold.</param>
/// <param name="Resets">Services whose breaker an operator reset since the last news.</param>
/// <param name="Work">Services that have work now, by word of another node.</param>
/// <param name="Suspects">How many deliveries this node has taken from dead ones.</param>
public sealed record NodeNews(
    NodeShare Share, IReadOnlyList<Control> Controls, IReadOnlyList<string> Resets, IReadOnlyList<string> Work, int Suspects);

/// <summary>What a node logs about itself and the others.</summary>
internal static partial class NodeLog
{
    [LoggerMessage(31, LogLevel.Warning,
        "This node was declared dead as number {Before}: what it had in hand belongs to others now. It registered anew as {Now}.")]
    internal static partial void StruckOff(ILogger logger, long before, long now);

    [LoggerMessage(32, LogLevel.Warning,
        "Took over from nodes that are gone ({Nodes}): {Suspects} deliveries run again, alone; dead now as poison: {Poisoned}.")]
    internal static partial void TookOver(ILogger logger, string nodes, int suspects, int poisoned);

    [LoggerMessage(33, LogLevel.Warning, "This node could not say that it lives; it tries every second. {Reason}")]
    internal static partial void PulseFailed(ILogger logger, string reason);

    [LoggerMessage(34, LogLevel.Information, "This node can say again that it lives, after {Failures} tries.")]
    internal static partial void PulseWell(ILogger logger, int failures);

    [LoggerMessage(35, LogLevel.Error, "An observer of the nodes failed.")]
    internal static partial void ObserverFailed(ILogger logger, Exception error);
}
