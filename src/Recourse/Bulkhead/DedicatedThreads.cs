using System.Collections.Concurrent;

namespace Recourse;

/// <summary>
/// A scheduler over a fixed number of threads that do nothing else, so that work which blocks cannot starve the thread pool. The work in it
/// is bounded by the permits of its bulkhead.
/// </summary>
internal sealed class DedicatedThreads : TaskScheduler, IDisposable
{
    private readonly BlockingCollection<Task> _work = [];
    private readonly Thread[] _threads;

    internal DedicatedThreads(string name, int count)
    {
        _threads = new Thread[count];
        for (var number = 0; number < count; number++)
        {
            _threads[number] = new Thread(Run) { IsBackground = true, Name = $"{name} {number + 1}/{count}" };
            _threads[number].Start();
        }
    }

    public override int MaximumConcurrencyLevel => _threads.Length;

    protected override void QueueTask(Task task) => _work.Add(task);

    // Only on a thread of this scheduler: anywhere else it would run on a thread that belongs to others.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        Array.IndexOf(_threads, Thread.CurrentThread) >= 0 && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks() => _work.ToArray();

    public void Dispose() => _work.CompleteAdding();

    private void Run()
    {
        foreach (var task in _work.GetConsumingEnumerable())
            TryExecuteTask(task);
    }
}
