namespace Recourse.Durable;

/// <summary>Permits of a route for what is claimed with its storing.</summary>
/// <param name="permits">As many as there is room for.</param>
/// <param name="options">Clock, node and scheduler.</param>
/// <param name="attempt">Runs an attempt with its permit; told when the room was asked for.</param>
/// <param name="unused">Takes back the permits that were not used.</param>
internal sealed class RouteRoom(
    List<CircuitPermit> permits, DispatcherOptions options, Func<ClaimedDelivery, CircuitPermit, long, Task> attempt,
    Action<List<CircuitPermit>> unused) : ArrivalRoom
{
    private readonly long _asked = options.Time.GetTimestamp();

    public override int Count { get; } = permits.Count;

    public override string Node => options.Node;

    // Not on the thread that stores, and with nothing of who sent it.
    public override void Begin(ClaimedDelivery delivery)
    {
        var permit = permits[^1];
        permits.RemoveAt(permits.Count - 1);
        using (ExecutionContext.IsFlowSuppressed() ? default(AsyncFlowControl?) : ExecutionContext.SuppressFlow())
            _ = options.Begin(() => attempt(delivery, permit, _asked));
    }

    public override void Dispose()
    {
        unused(permits);
        permits.Clear();
    }
}
