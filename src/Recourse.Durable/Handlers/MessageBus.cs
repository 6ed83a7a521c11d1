using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse.Durable;

/// <summary>
/// Sends messages to the handlers of this application, and acts on those that failed. What it takes survives the process: a returned id
/// means committed with fsync. Safe for many threads.
/// </summary>
public sealed class MessageBus : IAsyncDisposable
{
    private readonly MessagingOptions _options;
    private readonly Dispatcher _dispatcher;
    private readonly ILogger _ofNodes;
    private readonly SemaphoreSlim _looking = new(1);
    private volatile IReadOnlyList<Control> _controls = [];

    internal MessageBus(MessageStore store, MessagingOptions options, IServiceProvider services)
    {
        (Store, _options) = (store, options);
        var scopes = services.GetRequiredService<IServiceScopeFactory>();
        var classifier = services.GetService<FaultClassifier>() ?? FaultClassifier.Default;
        var handlers = options.Subscriptions.ToDictionary(one => one.Policy.Name);
        _dispatcher = new(store, (delivery, token) => HandleAsync(scopes, classifier, handlers[delivery.Service], delivery, token),
            options.Subscriptions.Select(one => one.Policy), new()
            {
                Node = Environment.MachineName.ToLowerInvariant(),
                PolicyOf = queue => options.QueueOf(queue).Policy,
                Time = services.GetRequiredService<TimeProvider>(),
                Logger = Logger(services, "Recourse.Messages"),
                Classifier = classifier,
            });
        _ofNodes = Logger(services, "Recourse.Nodes");
        Replays = new(store, _dispatcher.Notify, services.GetRequiredService<TimeProvider>(), Logger(services, "Recourse.Replays"));
    }

    /// <summary>The store, for its queries: dead letters, counts, one message's history.</summary>
    public MessageStore Store { get; }

    /// <summary>What each handler's breaker and bulkhead look like now.</summary>
    public IReadOnlyList<ServiceStatus> Handlers => _dispatcher.Status;

    /// <summary>Sends many dead letters back: by filter, at a rate, with progress, to be paused and cancelled.</summary>
    public ReplayRunner Replays { get; }

    /// <summary>What is held, by whom and why. Another process that shares the store is heard within 2 s.</summary>
    public IReadOnlyList<Control> Controls => _controls;

    /// <summary>Sends a message as JSON.</summary>
    /// <param name="queue">A queue that has a handler here, and is not draining.</param>
    /// <param name="message">The message.</param>
    /// <param name="options">Order, idempotency, headers; null for none.</param>
    /// <param name="cancellationToken">Ends the wait; the message may have been stored all the same.</param>
    /// <exception cref="ArgumentException">No handler is added for the queue, or a bound is broken.</exception>
    /// <exception cref="QueueDrainingException">The queue takes nothing in.</exception>
    /// <exception cref="StoreException">It was not stored.</exception>
    public ValueTask<EnqueueResult> SendAsync<T>(
        string queue, T message, SendOptions? options = null, CancellationToken cancellationToken = default) =>
        SendBodyAsync(queue, MessageBody.Write(message, _options.Serializer), MessageBody.ContentType, options, cancellationToken);

    /// <summary>Sends a body as it is.</summary>
    /// <inheritdoc cref="SendAsync{T}"/>
    public ValueTask<EnqueueResult> SendBodyAsync(string queue, ReadOnlyMemory<byte> body, string? contentType, SendOptions? options = null,
        CancellationToken cancellationToken = default) =>
        Held(ControlKind.QueueDraining, queue) is { } draining
            ? throw new QueueDrainingException(draining)
            : SendAsync((options ?? SendOptions.None).Message(queue, body, contentType, Services(queue)), cancellationToken);

    /// <summary>Sends a dead letter back to its handler, as a new generation.</summary>
    public ValueTask<DeadLetterOutcome> ReplayAsync(
        DeliveryId id, string actor, string? reason = null, CancellationToken cancellationToken = default) =>
        ActAsync(new ReplayCommand(id, actor, reason), cancellationToken);

    /// <summary>Puts a dead letter away for good.</summary>
    public ValueTask<DeadLetterOutcome> DiscardAsync(
        DeliveryId id, string actor, string? reason = null, CancellationToken cancellationToken = default) =>
        ActAsync(new DiscardCommand(id, actor, reason), cancellationToken);

    /// <summary>
    /// Pauses a queue or a handler, drains a queue, or isolates a handler. It holds until <see cref="ReleaseAsync"/>, over restarts too.
    /// What is under way ends as it would have.
    /// </summary>
    /// <param name="kind">What is held. A handler is what <see cref="ControlKind"/> calls a service.</param>
    /// <param name="name">The queue or the handler.</param>
    /// <param name="actor">Who holds it.</param>
    /// <param name="reason">Why; null when not said.</param>
    /// <param name="cancellationToken">Ends the wait; it may hold all the same.</param>
    /// <returns>False when it was held before: then nothing changed.</returns>
    /// <exception cref="ArgumentException">There is no such queue or handler here.</exception>
    /// <exception cref="StoreException">It was not stored.</exception>
    public ValueTask<bool> HoldAsync(
        ControlKind kind, string name, string actor, string? reason = null, CancellationToken cancellationToken = default) =>
        ControlAsync(new(kind, name, true, actor, reason), cancellationToken);

    /// <summary>Takes back what <see cref="HoldAsync"/> did. An isolated handler starts with a closed breaker.</summary>
    /// <returns>False when it was not held.</returns>
    /// <inheritdoc cref="HoldAsync"/>
    public ValueTask<bool> ReleaseAsync(
        ControlKind kind, string name, string actor, string? reason = null, CancellationToken cancellationToken = default) =>
        ControlAsync(new(kind, name, false, actor, reason), cancellationToken);

    internal IReadOnlyList<string> Services(string queue) => _options.HandlersOf(queue) is { Count: > 0 } handlers
        ? handlers
        : throw new ArgumentException($"No handler is added for queue '{queue}'; there are: "
            + $"{string.Join(", ", _options.Subscriptions.Select(one => one.Queue).Distinct())}.", nameof(queue));

    internal async ValueTask<EnqueueResult> SendAsync(NewMessage message, CancellationToken cancellationToken, TimeSpan? window = null)
    {
        var command = new EnqueueCommand(message)
        {
            IdempotencyWindow = window ?? _options.QueueOf(message.Queue).IdempotencyWindow,
        };
        var result = await Store.SendAsync(command, cancellationToken);
        _dispatcher.Notify(command);
        return result;
    }

    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before it is opened: what a crash made poison follows the policy of its queue too.
        Store.BlocksLaneWhenDead = queue => _options.QueueOf(queue).Policy.BlockLaneWhenDead;
        var opening = await Store.OpenAsync(cancellationToken);
        if (Store.Nodes is { } nodes)
            nodes.Logger = _ofNodes;
        await LookAtControlsAsync(cancellationToken);
        _dispatcher.Start(opening);
        Replays.Start();
    }

    /// <summary>Stops delivering, if the application did not. The store is the container's to close.</summary>
    public async ValueTask DisposeAsync()
    {
        await Replays.DisposeAsync();
        await _dispatcher.DisposeAsync();
        _looking.Dispose();
    }

    internal async Task StopAsync()
    {
        await Replays.DisposeAsync();
        await _dispatcher.StopAsync(_options.StopGrace);
    }

    /// <summary>Follows what is held in the store, whoever said so.</summary>
    internal async Task LookAtControlsAsync(CancellationToken cancellationToken)
    {
        // One after the other: an answer that is older than another must not undo it.
        await _looking.WaitAsync(cancellationToken);
        try
        {
            var before = Isolated();
            _controls = await Store.Queries.ControlsAsync(cancellationToken);
            foreach (var name in Isolated().Except(before))
                _dispatcher.Isolate(name);
            foreach (var name in before.Except(Isolated()))
                _dispatcher.Reset(name);
        }
        finally
        {
            _looking.Release();
        }
    }

    private List<string> Isolated() =>
        [.. _controls.Where(control => control.Kind is ControlKind.ServiceIsolated).Select(control => control.Name)];

    private async ValueTask<bool> ControlAsync(ControlCommand command, CancellationToken cancellationToken)
    {
        var ofQueue = command.Kind is ControlKind.QueuePaused or ControlKind.QueueDraining;
        var handlers = _options.Subscriptions.Where(one => command.Name == (ofQueue ? one.Queue : one.Policy.Name));
        if (!handlers.Any())
            throw new ArgumentException($"There is no queue or handler '{command.Name}' here to which {command.Kind} can apply.");
        var changed = await Store.CommitAsync(command, cancellationToken);
        await LookAtControlsAsync(cancellationToken);
        foreach (var handler in handlers)
            _dispatcher.Notify(handler.Policy.Name);
        return changed;
    }

    private Control? Held(ControlKind kind, string name)
    {
        foreach (var control in _controls)
        {
            if (control.Kind == kind && control.Name == name)
                return control;
        }
        return null;
    }

    private static ILogger Logger(IServiceProvider services, string category) =>
        services.GetService<ILoggerFactory>()?.CreateLogger(category) ?? (ILogger)NullLogger.Instance;

    private async ValueTask<DeadLetterOutcome> ActAsync(StoreCommand<DeadLetterOutcome> command, CancellationToken cancellationToken)
    {
        var outcome = await Store.CommitAsync(command, cancellationToken);
        foreach (var handler in _options.Subscriptions)
            _dispatcher.Notify(handler.Policy.Name);
        return outcome;
    }

    private static async ValueTask<DeliveryResult> HandleAsync(
        IServiceScopeFactory scopes, FaultClassifier classifier, Subscription handler, ClaimedDelivery delivery, CancellationToken token)
    {
        await using var scope = scopes.CreateAsyncScope();
        try
        {
            await handler.Invoke(scope.ServiceProvider, delivery, token);
            return DeliveryResult.Delivered();
        }
        catch (MessageRejectedException rejection)
        {
            return DeliveryResult.Failed(classifier.ForKind(rejection.Kind, "rejected by the handler"), rejection.Message);
        }
    }
}
