namespace Recourse.Durable.Tests;

/// <summary>
/// One thread for everything that a process does: what could run is kept in a list, and the simulation says what runs next. When the
/// process ends, what was left never runs.
/// </summary>
internal sealed class SimulatedThread : TaskScheduler
{
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private readonly List<Task> _ready = [];
    private volatile bool _ended;
    private volatile string? _left;

    public int Ready => _ready.Count;

    /// <summary>Where something ran on another thread, after which a seed would not repeat itself; null while nothing did.</summary>
    public string? Left => _left;

    public void Run(int index)
    {
        var task = _ready[index];
        _ready.RemoveAt(index);
        TryExecuteTask(task);
    }

    public void End()
    {
        _ended = true;
        _ready.Clear();
    }

    protected override void QueueTask(Task task)
    {
        if (_ended)
            return;
        if (Environment.CurrentManagedThreadId != _thread)
        {
            _left = Environment.StackTrace;
            return;
        }
        _ready.Add(task);
    }

    // Never at once: whatever can run waits for its turn, so that every order can happen.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => _ready;
}
