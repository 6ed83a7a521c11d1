namespace Recourse.Durable;

/// <summary>Whoever works on what is stored gets it opened.</summary>
internal sealed class OpenedArrivals(IArrivals inner, Func<ClaimedDelivery, ClaimedDelivery> open) : IArrivals
{
    public ArrivalRoom? Reserve(string service, int count) => inner.Reserve(service, count) is { } room ? new Room(room, open) : null;

    private sealed class Room(ArrivalRoom inner, Func<ClaimedDelivery, ClaimedDelivery> open) : ArrivalRoom
    {
        public override int Count => inner.Count;

        public override string Node => inner.Node;

        public override void Begin(ClaimedDelivery delivery) => inner.Begin(open(delivery));

        public override void Dispose() => inner.Dispose();
    }
}
