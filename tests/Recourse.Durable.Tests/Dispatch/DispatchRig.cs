using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>One call of the handler, which a test ends as it likes.</summary>
internal sealed class HandlerCall(ClaimedDelivery delivery, CancellationToken token)
{
    private readonly TaskCompletionSource<DeliveryResult> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ClaimedDelivery Delivery { get; } = delivery;

    internal CancellationToken Token { get; } = token;

    internal Task<DeliveryResult> Ended => _end.Task;

    internal void Succeed() => _end.TrySetResult(DeliveryResult.Delivered("200"));

    internal void Throw(Exception exception) => _end.TrySetException(exception);

    internal void Fail(string status, TimeSpan? retryAfter = null) =>
        _end.TrySetResult(DeliveryResult.Failed(FaultClassifier.Default.Classify("http", status)!, $"HTTP {status}", status, retryAfter));

    internal void Fail(FaultKind kind) => _end.TrySetResult(DeliveryResult.Failed(FaultClassifier.Default.ForKind(kind), kind.Name()));

    /// <summary>Ends as a handler that heeds its token: once it is cancelled.</summary>
    internal void HeedToken() => Token.Register(() => _end.TrySetException(new OperationCanceledException(Token)));
}

/// <summary>A dispatcher on a store in memory, a manual clock and a handler whose calls the test ends one by one.</summary>
internal sealed class DispatchRig : IAsyncDisposable
{
    // Only a test that hangs ever waits so long.
    private static readonly TimeSpan Hang = TimeSpan.FromSeconds(30);

    private readonly Channel<HandlerCall> _calls = Channel.CreateUnbounded<HandlerCall>();
    private readonly Channel<AttemptReport> _reports = Channel.CreateUnbounded<AttemptReport>();

    internal DispatchRig(params ServicePolicy[] services) : this(options => options, services)
    {
    }

    internal DispatchRig(Func<DispatcherOptions, DispatcherOptions> configure, params ServicePolicy[] services)
    {
        Store = new HookedStore(new InMemoryMessageStore(Clock));
        Dispatcher = new Dispatcher(Store, HandleAsync, services.Length > 0 ? services : [Orders], configure(new DispatcherOptions
        {
            Time = Clock,
            Logger = Log,
            Sample = () => 0.5,
            OnAttempt = report => _reports.Writer.TryWrite(report),
        }));
    }

    internal static ServicePolicy Orders { get; } = new() { Name = "orders", MaxConcurrent = 3, FailureThreshold = 2, SuccessThreshold = 2 };

    internal ManualClock Clock { get; } = new();

    internal HookedStore Store { get; }

    internal Dispatcher Dispatcher { get; }

    internal NotedLog Log { get; } = new();

    internal int CallCount { get; private set; }

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

    internal Task<HandlerCall> CallAsync() => _calls.Reader.ReadAsync().AsTask().WaitAsync(Hang);

    internal async Task<HandlerCall[]> CallsAsync(int count)
    {
        var calls = new HandlerCall[count];
        for (var i = 0; i < count; i++) calls[i] = await CallAsync();
        return calls;
    }

    internal bool NoCallWaits => !_calls.Reader.TryPeek(out _);

    internal Task<AttemptReport> ReportAsync() => _reports.Reader.ReadAsync().AsTask().WaitAsync(Hang);

    internal async Task<StoredDelivery> StoredAsync(DeliveryId id) => (await Store.Queries.DeliveryAsync(id))!;

    /// <summary>
    /// Waits until the loops have nothing to do: every route and the suspects' loop asleep, which shows in their timers.
    /// </summary>
    internal Task AsleepAsync(int timers) => Clock.WhenArmed(timers).WaitAsync(Hang);

    /// <summary>Moves the clock from timer to timer until the task is done.</summary>
    internal async Task<T> AdvanceUntilAsync<T>(Task<T> task)
    {
        while (!task.IsCompleted)
        {
            await Task.WhenAny(task, Clock.WhenArmed()).WaitAsync(Hang);
            if (!task.IsCompleted) Clock.AdvanceToNextTimer();
            await Task.Yield();
        }

        return await task;
    }

    internal async Task AdvanceUntilAsync(Task task) => await AdvanceUntilAsync(task.ContinueWith(done => done.IsCompletedSuccessfully));

    private async ValueTask<DeliveryResult> HandleAsync(ClaimedDelivery delivery, CancellationToken token)
    {
        var call = new HandlerCall(delivery, token);
        lock (_calls) CallCount++;
        OnCall?.Invoke(call);
        await _calls.Writer.WriteAsync(call, CancellationToken.None);
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

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((eventId.Id, formatter(state, exception)));
}
