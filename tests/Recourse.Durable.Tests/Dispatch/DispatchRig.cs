using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>One call of the handler, which a test ends as it likes.</summary>
internal sealed class HandlerCall(ClaimedDelivery delivery, Action ending, CancellationToken token)
{
    private readonly TaskCompletionSource<DeliveryResult> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _ended;

    internal ClaimedDelivery Delivery { get; } = delivery;

    internal CancellationToken Token { get; } = token;

    internal Task<DeliveryResult> Ended => _end.Task;

    internal void Succeed() => End(() => _end.SetResult(DeliveryResult.Delivered("200")));

    internal void Throw(Exception exception) => End(() => _end.SetException(exception));

    internal void Fail(string status, TimeSpan? retryAfter = null) => End(() =>
        _end.SetResult(DeliveryResult.Failed(FaultClassifier.Default.Classify("http", status)!, $"HTTP {status}", status, retryAfter)));

    internal void Fail(FaultKind kind) => End(() => _end.SetResult(DeliveryResult.Failed(FaultClassifier.Default.ForKind(kind),
        kind.Name())));

    /// <summary>Ends as a handler that heeds its token: once it is cancelled.</summary>
    internal void HeedToken() => Token.Register(() => Throw(new OperationCanceledException(Token)));

    /// <summary>The dispatcher counts the attempt no more, though the call goes on: it was abandoned.</summary>
    internal void Forgotten() => End(() => { });

    /// <summary>Ends a call that was forgotten.</summary>
    internal void SucceedLate() => _end.SetResult(DeliveryResult.Delivered("200"));

    private void End(Action how)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0) return;
        ending();
        how();
    }
}

/// <summary>A dispatcher on a store in memory, a manual clock and a handler whose calls the test ends one by one.</summary>
internal sealed class DispatchRig : IAsyncDisposable
{
    // Only a test that hangs ever waits so long.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    private readonly Channel<HandlerCall> _calls = Channel.CreateUnbounded<HandlerCall>();
    private readonly Channel<AttemptReport> _reports = Channel.CreateUnbounded<AttemptReport>();
    private int _callCount;
    private int _underWay;

    internal DispatchRig(params ServicePolicy[] services) : this(options => options, services)
    {
    }

    internal DispatchRig(Func<DispatcherOptions, DispatcherOptions> configure, params ServicePolicy[] services)
        : this(clock => new InMemoryMessageStore(clock), configure, services)
    {
    }

    internal DispatchRig(
        Func<ManualClock, MessageStore> store, Func<DispatcherOptions, DispatcherOptions> configure, params ServicePolicy[] services)
    {
        Store = new HookedStore(store(Clock));
        Dispatcher = new Dispatcher(Store, HandleAsync, services.Length > 0 ? services : [Orders], configure(new DispatcherOptions
        {
            Time = Clock,
            Logger = Log,
            Sample = () => 0.5,
            OnAttempt = report => _reports.Writer.TryWrite(report),
        }));
    }

    internal static ServicePolicy Orders { get; } = new()
    {
        Name = "orders",
        MaxConcurrent = 3,
        FailureThreshold = 2,
        SuccessThreshold = 2
    };

    internal ManualClock Clock { get; } = new();

    internal HookedStore Store { get; }

    internal Dispatcher Dispatcher { get; }

    internal NotedLog Log { get; } = new();

    internal int CallCount => Volatile.Read(ref _callCount);

    /// <summary>Runs on the thread of the handler when a call begins.</summary>
    internal Action<HandlerCall>? OnCall { get; set; }

    internal async Task<DeliveryId> EnqueueAsync(string service = "orders", string? orderKey = null)
    {
        var message = new NewMessage { Queue = "incoming", Body = "{}"u8.ToArray(), Services = [service], OrderKey = orderKey };
        return new DeliveryId((await Store.CommitAsync(new EnqueueCommand(message))).MessageId, 0);
    }

    internal async Task<DeliveryId[]> EnqueueManyAsync(int count, string service = "orders")
    {
        var ids = new DeliveryId[count];
        for (var i = 0; i < count; i++) ids[i] = await EnqueueAsync(service);
        return ids;
    }

    /// <summary>Leaves so many deliveries in hand, as a process that ends does, and opens the store again.</summary>
    internal async Task<DeliveryId[]> CrashAsync(int count, string service = "orders")
    {
        var ids = await EnqueueManyAsync(count, service);
        await Store.CommitAsync(new ClaimCommand(service, count, "earlier"));
        await Store.OpenAsync();
        return ids;
    }

    /// <summary>Starts on a store that found so many suspects. None: the suspects' loop does not close the way while the clock stands
    /// still.</summary>
    internal void Start(int suspects = 0) => Dispatcher.Start(new StoreOpening(suspects, 0));

    /// <summary>Waits until the next timer is due in exactly so long.</summary>
    internal async Task UntilDueAsync(TimeSpan next)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (Clock.NextDue != next)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Hang, $"No timer is due in {next}, but in {Clock.NextDue}.");
            await Task.Yield();
        }
    }

    /// <summary>The first line with this number, once it is there.</summary>
    internal async Task<(int Id, string Text)> LoggedAsync(int id)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!Log.Lines.Any(line => line.Id == id))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Hang, $"Nothing was logged under {id}.");
            await Task.Yield();
        }

        return Log.Lines.First(line => line.Id == id);
    }

    internal bool CallWaits => _calls.Reader.TryPeek(out _);

    internal HandlerCall? TryCall() => _calls.Reader.TryRead(out var call) ? call : null;

    /// <summary>The next call of the handler; the clock stands still.</summary>
    internal Task<HandlerCall> CallAsync() => _calls.Reader.ReadAsync().AsTask().WaitAsync(Hang);

    internal async Task<HandlerCall[]> CallsAsync(int count)
    {
        var calls = new HandlerCall[count];
        for (var i = 0; i < count; i++) calls[i] = await CallAsync();
        return calls;
    }

    /// <summary>Waits until nothing happens any more without a call that ends or a clock that moves.</summary>
    internal async Task QuietAsync()
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!Dispatcher.IsQuiet(Volatile.Read(ref _underWay)))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Hang, "The dispatcher does not come to rest.");
            await Task.Yield();
        }
    }

    /// <summary>Nothing is going on, and no call was made that the test has not seen.</summary>
    internal async Task NoCallAsync()
    {
        await QuietAsync();
        Assert.False(_calls.Reader.TryPeek(out _), "The handler was called.");
    }

    /// <summary>The next call, moving the clock from timer to timer, each time only when nothing else can happen.</summary>
    internal async Task<HandlerCall> AdvanceToCallAsync()
    {
        while (true)
        {
            await QuietAsync();
            if (_calls.Reader.TryRead(out var call)) return call;
            Assert.True(Clock.AdvanceToNextTimer(), "No timer is armed.");
        }
    }

    internal async Task<AttemptReport> ReportAsync()
    {
        var report = await _reports.Reader.ReadAsync().AsTask().WaitAsync(Hang);
        return report;
    }

    internal async Task<StoredDelivery> StoredAsync(DeliveryId id) => (await Store.Queries.DeliveryAsync(id))!;

    /// <summary>Moves the clock from timer to timer until the task is done, whatever else happens.</summary>
    internal async Task AdvanceUntilAsync(Task task)
    {
        while (!task.IsCompleted)
        {
            await Task.WhenAny(task, Clock.WhenArmed()).WaitAsync(Hang);
            for (var turn = 0; turn < 50 && !task.IsCompleted; turn++) await Task.Yield();
            if (!task.IsCompleted) Clock.AdvanceToNextTimer();
        }

        await task;
    }

    private async ValueTask<DeliveryResult> HandleAsync(ClaimedDelivery delivery, CancellationToken token)
    {
        var call = new HandlerCall(delivery, () => Interlocked.Decrement(ref _underWay), token);
        Interlocked.Increment(ref _callCount);
        OnCall?.Invoke(call);
        _calls.Writer.TryWrite(call);
        Interlocked.Increment(ref _underWay);
        return await call.Ended;
    }

    public async ValueTask DisposeAsync()
    {
        await AdvanceUntilAsync(Dispatcher.DisposeAsync().AsTask());
        await Store.DisposeAsync();
    }
}

/// <summary>A logger that keeps its lines.</summary>
internal sealed class NotedLog : ILogger
{
    internal ConcurrentQueue<(int Id, string Text)> Lines { get; } = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((eventId.Id, formatter(state, exception)));
}
