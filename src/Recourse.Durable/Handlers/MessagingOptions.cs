using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Recourse.Durable;

/// <summary>What the <see cref="MessageBus"/> of an application is made of; filled by <see cref="MessagingBuilder"/>.</summary>
internal sealed class MessagingOptions
{
    public Func<IServiceProvider, MessageStore>? Store { get; set; }
    public JsonSerializerOptions? Json { get; set; }
    public TimeSpan StopGrace { get; set; } = TimeSpan.FromSeconds(10);
    public Func<IServiceProvider, System.Data.Common.DbDataSource>? Outbox { get; set; }
    public OutboxOptions OutboxOptions { get; set; } = new();
    public Dictionary<string, QueueOptions> Queues { get; } = [];
    public List<Subscription> Subscriptions { get; } = [];

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only where reflection is on.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The same.")]
    public JsonSerializerOptions Serializer => Json ?? (JsonSerializer.IsReflectionEnabledByDefault
        ? JsonSerializerOptions.Web
        : throw new InvalidOperationException(
            "A trimmed application has to say how messages are written: call Json(…) with a source-generated context."));

    public QueueOptions QueueOf(string name) => Queues.GetValueOrDefault(name) ?? QueueOptions.Default;

    /// <summary>The handlers of a queue, one delivery each.</summary>
    public IReadOnlyList<string> HandlersOf(string queue) =>
        [.. Subscriptions.Where(subscription => subscription.Queue == queue).Select(subscription => subscription.Policy.Name)];
}

/// <summary>How one queue of an application behaves.</summary>
public sealed record QueueOptions
{
    internal static QueueOptions Default { get; } = new();

    /// <summary>How failed deliveries are tried again, and when they become dead letters.</summary>
    public DeliveryPolicy Policy { get; init; } = new();

    /// <summary>How long an idempotency key of a sender is remembered. Default 24 h; more than zero.</summary>
    public TimeSpan IdempotencyWindow { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How long delivered messages can still be looked at. Default <see cref="DeliveredRetention.Default"/>. Neither may be less
    /// than zero.</summary>
    public DeliveredRetention KeepDelivered { get; init; } = DeliveredRetention.Default;
}

/// <summary>One handler of one queue, and how an attempt is made.</summary>
internal sealed record Subscription(
    string Queue, ServicePolicy Policy, Func<IServiceProvider, ClaimedDelivery, CancellationToken, ValueTask> Invoke);
