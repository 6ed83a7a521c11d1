using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Reads a page of deliveries; a cursor that the store did not make is the caller's error.</summary>
internal static class Pages
{
    public static async Task<Page<DeliverySummary>> ReadAsync(Relay relay, DeliveryFilter filter, CancellationToken cancellationToken)
    {
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
