using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Recourse.Durable;

/// <summary>Adds durable messages to an application.</summary>
public static class MessagingExtensions
{
    /// <summary>
    /// Adds a <see cref="MessageBus"/> to the services. It opens its store and begins to deliver when the application starts, and finishes
    /// or gives back what is in hand when it stops.
    /// </summary>
    /// <param name="recourse">What <c>AddRecourse</c> gives.</param>
    /// <param name="configure">Names the store, the queues and their handlers.</param>
    /// <exception cref="ArgumentException">No store was named, or two handlers have one name.</exception>
    public static RecourseBuilder AddMessages(this RecourseBuilder recourse, Action<MessagingBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(recourse);
        ArgumentNullException.ThrowIfNull(configure);
        var options = new MessagingOptions();
        configure(new MessagingBuilder(options, recourse.Services));
        if (options.Store is null)
            throw new ArgumentException(
                "AddMessages names no store; call Store(…), for example with a SqliteMessageStore.", nameof(configure));
        if (options.Subscriptions.GroupBy(one => one.Policy.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException(
                $"Handler '{twice.Key}' is added {twice.Count()} times; give each a name of its own.", nameof(configure));
        var services = recourse.Services;
        if (services.Any(service => service.ServiceType == typeof(MessageBus)))
            throw new ArgumentException("AddMessages was called before; an application has one bus.", nameof(recourse));
        services.AddSingleton(options);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => options.Store(provider));
        services.AddSingleton(provider => new MessageBus(provider.GetRequiredService<MessageStore>(), options, provider));
        services.AddHostedService<MessageBusHost>();
        services.AddHostedService<MessageUpkeep>();
        if (options.Outbox is not null)
        {
            services.AddSingleton(provider =>
                new Outbox(options, provider.GetRequiredService<MessageBus>(), provider.GetRequiredService<TimeProvider>()));
            services.AddHostedService<OutboxMover>();
        }
        return recourse;
    }
}

/// <summary>Names what a <see cref="MessageBus"/> is made of.</summary>
public sealed class MessagingBuilder
{
    private readonly MessagingOptions _options;
    private readonly IServiceCollection _services;

    internal MessagingBuilder(MessagingOptions options, IServiceCollection services) => (_options, _services) = (options, services);

    /// <summary>Where messages are kept. Required. The bus opens it and closes it.</summary>
    public MessagingBuilder Store(Func<IServiceProvider, MessageStore> create)
    {
        _options.Store = create;
        return this;
    }

    /// <summary>How bodies are written and read. Default <see cref="JsonSerializerOptions.Web"/>; give one with a source-generated context
    /// for trimmed applications.</summary>
    public MessagingBuilder Json(JsonSerializerOptions json)
    {
        _options.Json = json;
        return this;
    }

    /// <summary>How long a stop waits for attempts under way before it cancels them. Default 10 s; zero cancels at once.</summary>
    public MessagingBuilder StopGrace(TimeSpan grace)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(grace, TimeSpan.Zero);
        _options.StopGrace = grace;
        return this;
    }

    /// <summary>How a queue behaves. A queue that is not named has the defaults.</summary>
    public MessagingBuilder Queue(string name, QueueOptions options)
    {
        EnqueueChecks.CheckName(name, "Queue");
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.IdempotencyWindow, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.KeepDelivered.Age, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegative(options.KeepDelivered.Most);
        _options.Queues[name] = options;
        return this;
    }

    /// <summary>
    /// Lets a handler have the messages of a queue. Several handlers of one queue get a delivery each, with its own attempts and its own
    /// dead letter.
    /// </summary>
    /// <param name="queue">The queue; 1 to 64 of <c>a-z 0-9 . _ -</c>.</param>
    /// <param name="name">The handler's name, which stands in the store: do not change it while messages wait for it. Null takes the type's
    /// name, as in <c>send-invoice</c> for <c>SendInvoice</c>.</param>
    /// <param name="configure">Timeout, concurrency and breaker of the handler; null for the defaults.</param>
    public MessagingBuilder Handle<TMessage, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        string queue, string? name = null, Func<ServicePolicy, ServicePolicy>? configure = null)
        where THandler : class, IMessageHandler<TMessage>
    {
        EnqueueChecks.CheckName(queue, "queue");
        var policy = new ServicePolicy { Name = name ?? NameOf(typeof(THandler)) };
        EnqueueChecks.CheckName(policy.Name, "name");
        _services.TryAddScoped<THandler>();
        var options = _options;
        _options.Subscriptions.Add(new(queue, configure?.Invoke(policy) ?? policy, (services, delivery, token) =>
            services.GetRequiredService<THandler>().HandleAsync(
                MessageBody.Read<TMessage>(delivery, options.Serializer), new MessageContext(delivery), token)));
        return this;
    }

    /// <summary>
    /// Lets the application put messages into its own database, in its own transaction, and moves them into the store from there.
    /// </summary>
    /// <param name="source">The application's database.</param>
    /// <param name="options">How often it is looked at; null for the defaults.</param>
    public MessagingBuilder UseOutbox(Func<IServiceProvider, DbDataSource> source, OutboxOptions? options = null)
    {
        _options.Outbox = source;
        _options.OutboxOptions = (options ?? new()).Checked();
        return this;
    }

    /// <summary>The type's name in small letters with hyphens between its words.</summary>
    private static string NameOf(Type type)
    {
        var text = new StringBuilder();
        foreach (var letter in type.Name.Split('`')[0])
        {
            if (char.IsAsciiLetterUpper(letter) && text.Length > 0)
                text.Append('-');
            text.Append(char.ToLowerInvariant(letter));
        }
        return text.ToString();
    }
}
