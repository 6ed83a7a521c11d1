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
                Logger = services.GetService<ILoggerFactory>()?.CreateLogger("Recourse.Messages") ?? (ILogger)NullLogger.Instance,
                Classifier = classifier,
            });
    }

    /// <summary>The store, for its queries: dead letters, counts, one message's history.</summary>
    public MessageStore Store { get; }

    /// <summary>What each handler's breaker and bulkhead look like now.</summary>
    public IReadOnlyList<ServiceStatus> Handlers => _dispatcher.Status;

    /// <summary>Sends a message as JSON.</summary>
    /// <param name="queue">A queue that has a handler here.</param>
    /// <param name="message">The message.</param>
    /// <param name="options">Order, idempotency, headers; null for none.</param>
    /// <param name="cancellationToken">Ends the wait; the message may have been stored all the same.</param>
    /// <exception cref="ArgumentException">No handler is added for the queue, or a bound is broken.</exception>
    /// <exception cref="StoreException">It was not stored.</exception>
    public ValueTask<EnqueueResult> SendAsync<T>(
        string queue, T message, SendOptions? options = null, CancellationToken cancellationToken = default) =>
        SendBodyAsync(queue, MessageBody.Write(message, _options.Serializer), MessageBody.ContentType, options, cancellationToken);

    /// <summary>Sends a body as it is.</summary>
    /// <inheritdoc cref="SendAsync{T}"/>
    public ValueTask<EnqueueResult> SendBodyAsync(string queue, ReadOnlyMemory<byte> body, string? contentType, SendOptions? options = null,
        CancellationToken cancellationToken = default) =>
        SendAsync((options ?? SendOptions.None).Message(queue, body, contentType, Services(queue)), cancellationToken);

    /// <summary>Sends a dead letter back to its handler, as a new generation.</summary>
    public ValueTask<DeadLetterOutcome> ReplayAsync(
        DeliveryId id, string actor, string? reason = null, CancellationToken cancellationToken = default) =>
        ActAsync(new ReplayCommand(id, actor, reason), cancellationToken);

    /// <summary>Puts a dead letter away for good.</summary>
    public ValueTask<DeadLetterOutcome> DiscardAsync(
        DeliveryId id, string actor, string? reason = null, CancellationToken cancellationToken = default) =>
        ActAsync(new DiscardCommand(id, actor, reason), cancellationToken);

    internal IReadOnlyList<string> Services(string queue) => _options.HandlersOf(queue) is { Count: > 0 } handlers
        ? handlers
        : throw new ArgumentException($"No handler is added for queue '{queue}'; there are: "
            + $"{string.Join(", ", _options.Subscriptions.Select(one => one.Queue).Distinct())}.", nameof(queue));

    internal async ValueTask<EnqueueResult> SendAsync(NewMessage message, CancellationToken cancellationToken, TimeSpan? window = null)
    {
        var result = await Store.CommitAsync(new EnqueueCommand(message)
        {
            IdempotencyWindow = window ?? _options.QueueOf(message.Queue).IdempotencyWindow,
        }, cancellationToken);
        foreach (var service in message.Services)
            _dispatcher.Notify(service);
        return result;
    }

    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        // Before it is opened: what a crash made poison follows the policy of its queue too.
        Store.BlocksLaneWhenDead = queue => _options.QueueOf(queue).Policy.BlockLaneWhenDead;
        _dispatcher.Start(await Store.OpenAsync(cancellationToken));
    }

    /// <summary>Stops delivering, if the application did not. The store is the container's to close.</summary>
    public ValueTask DisposeAsync() => _dispatcher.DisposeAsync();

    internal Task StopAsync() => _dispatcher.StopAsync(_options.StopGrace);

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
