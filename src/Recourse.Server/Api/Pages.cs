using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>
/// Reads a page of deliveries. A cursor that the store did not make is the caller's error, and so is a queue or service that is neither
/// configured nor in the store: an empty page would look as if all were well.
/// </summary>
internal static class Pages
{
    public static async Task<Page<DeliverySummary>> ReadAsync(Relay relay, DeliveryFilter filter, CancellationToken cancellationToken)
    {
        if (filter.Queue is { } queue && !relay.Configuration.Queues.ContainsKey(queue)
            && (await relay.Books.ReadAsync()).All(known => known.Queue != queue))
            throw new ProblemException(QueueDoor.Unknown(queue, relay.Configuration));
        if (filter.Service is { } service && !relay.Configuration.Services.ContainsKey(service)
            && (await relay.Store.Queries.ServicesAsync(cancellationToken)).All(known => known.Service != service))
            throw new ProblemException(ServiceRoutes.Unknown(service, relay));
        try
        {
            return await relay.Store.Queries.DeliveriesAsync(filter, cancellationToken);
        }
        catch (Exception error) when (filter.After is not null && error is ArgumentException or FormatException)
        {
            throw QueryReader.Bad("'after' is no cursor of this list. Take it from 'next' of the page before, as it is.", null);
        }
    }

    public static async Task<Page<DeadLetterGroup>> GroupsAsync(
        Relay relay, DeadLetterGroupFilter filter, CancellationToken cancellationToken)
    {
        try
        {
            return await relay.Store.Queries.GroupsAsync(filter, cancellationToken);
        }
        catch (Exception error) when (filter.After is not null && error is ArgumentException or FormatException)
        {
            throw QueryReader.Bad("'after' is no cursor of this list. Take it from 'next' of the page before, as it is.", null);
        }
    }
}
