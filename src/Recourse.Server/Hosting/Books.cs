using Recourse.Durable;

namespace Recourse.Server;

/// <summary>
/// The counts of all queues, at most a second old, for what asks often: bounds of the intake, meters, alarms. One query at a time.
/// </summary>
internal sealed class Books(MessageStore store, TimeProvider time)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<IReadOnlyList<QueueCounts>>? _query;
    private long _askedAt;
    private volatile IReadOnlyList<QueueCounts> _latest = [];

    /// <summary>What was read last, without waiting: the next one to ask finds what has changed since.</summary>
    public IReadOnlyList<QueueCounts> Latest
    {
        get
        {
            // A store that is away has been logged for all.
            _ = ReadAsync().ContinueWith(static query => _ = query.Exception, TaskScheduler.Default);
            return _latest;
        }
    }

    /// <summary>The counts, read again when the last ones are more than a second old.</summary>
    public Task<IReadOnlyList<QueueCounts>> ReadAsync()
    {
        lock (_lock)
        {
            if (_query is null || (_query.IsCompleted && (_query.IsFaulted || time.GetElapsedTime(_askedAt) >= Fresh)))
            {
                _askedAt = time.GetTimestamp();
                _query = QueryAsync();
            }
            return _query;
        }
    }

    private async Task<IReadOnlyList<QueueCounts>> QueryAsync() => _latest = await store.Queries.QueuesAsync();

    /// <summary>Dead letters of all queues.</summary>
    public async ValueTask<long> DeadAsync() => (await ReadAsync()).Sum(queue => queue.Dead);
}
