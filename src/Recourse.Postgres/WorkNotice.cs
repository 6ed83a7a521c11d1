using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Tells the other nodes that a service has work, and hears it from them, so that they need not wait for their next look. At most five
/// times a second, and never in the transaction that stores the work: a notice takes a lock of the whole database while it is committed.
/// Everything works without it, a few seconds later; so it gives up nothing and promises nothing.
/// </summary>
internal sealed class WorkNotice(NpgsqlDataSource source, TimeProvider time, bool hasSessions) : IAsyncDisposable
{
    private const string Channel = "recourse_work";
    private const int ServicesMax = 64;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan ListenAgain = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly WakeSignal _wake = new(time);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _services = [];
    private StoreNodes? _nodes;
    private Task _speaking = Task.CompletedTask;
    private Task _listening = Task.CompletedTask;

    public void Start(StoreNodes nodes)
    {
        _nodes = nodes;
        _speaking = Task.Run(SpeakAsync);
        if (hasSessions)
            _listening = Task.Run(ListenAsync);
    }

    /// <summary>Notes what the others want to know of a command that was committed.</summary>
    public void Committed(StoreCommand command)
    {
        if (_nodes is not { Count: > 1 } || command is not EnqueueCommand { Result.Status: EnqueueStatus.Accepted, IsTaken: false } enqueue)
            return;
        bool first;
        lock (_lock)
        {
            first = _services.Count == 0;
            foreach (var service in enqueue.Message.Services)
            {
                if (_services.Count < ServicesMax)
                    _services.Add(service);
            }
        }
        if (first)
            _wake.Set();
    }

    private async Task SpeakAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            List<string> services;
            lock (_lock)
            {
                services = [.. _services];
                _services.Clear();
            }
            if (services.Count == 0)
            {
                await _wake.SleepAsync(ListenAgain);
                continue;
            }
            try
            {
                await using var notify = source.CreateCommand("SELECT pg_notify($1, $2)");
                notify.Parameters.Add(new() { Value = Channel });
                notify.Parameters.Add(new() { Value = $"{_nodes!.Id}:{string.Join(',', services)}" });
                await notify.ExecuteNonQueryAsync(_stop.Token);
                await Task.Delay(Pause, time, _stop.Token);
            }
            catch (Exception)
            {
                // The others look for themselves.
                await PauseAsync();
            }
        }
    }

    private async Task ListenAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = await source.OpenConnectionAsync(_stop.Token);
                connection.Notification += (_, heard) => Hear(heard.Payload);
                await using (var listen = new NpgsqlCommand($"LISTEN {Channel}", connection))
                    await listen.ExecuteNonQueryAsync(_stop.Token);
                while (true)
                    await connection.WaitAsync(_stop.Token);
            }
            catch (Exception)
            {
                // Heard again when the server can be reached again.
                await PauseAsync();
            }
        }
    }

    private void Hear(string payload)
    {
        var at = payload.IndexOf(':', StringComparison.Ordinal);
        if (at > 0 && long.TryParse(payload.AsSpan(0, at), out var from) && from != _nodes!.Id)
            _nodes.HasWork(payload[(at + 1)..].Split(','));
    }

    private Task PauseAsync() =>
        _stop.IsCancellationRequested ? Task.CompletedTask : Task.Delay(ListenAgain, time, _stop.Token)
            .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        _wake.Set();
        await Task.WhenAll(_speaking, _listening);
        _stop.Dispose();
    }
}
