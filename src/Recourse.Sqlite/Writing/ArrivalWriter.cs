using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Claims messages with their storing, for whoever works on them and has room: one commit instead of two, and each row is written once
/// less.
/// </summary>
internal sealed class ArrivalWriter(HeldDeliveries held, Routes routes, ControlSet controls, Func<IArrivals?> arrivals)
{
    private readonly List<Arrival> _arrived = [];

    private readonly record struct Arrival(ArrivalRoom Room, EnqueueCommand Command, ClaimedDelivery? Claimed);

    /// <summary>False while a command may be given up without the others of its batch: nobody could be told.</summary>
    public bool Offers { get; set; } = true;

    /// <summary>The name of the node that has room for a message which is being stored, and claims it; null when nobody does.</summary>
    public string? Reserve(EnqueueCommand command)
    {
        if (!Offers || !command.MayBeTaken || controls.Holds(command.Message.Queue, command.Message.Services[0])
            || arrivals()?.Reserve(command.Message.Services[0], 1) is not { } room)
            return null;
        _arrived.Add(new(room, command, null));
        return room.Node;
    }

    /// <summary>The message for which there is room has been stored as claimed.</summary>
    public void Stored(EnqueueCommand command, Route route, long key, long lease, long now)
    {
        var message = command.Message;
        var claimed = ArrivalRoom.Claimed(
            command, HeaderText.Write(message.Headers), message.Body.ToArray(), lease, StoreTime.Time(now));
        held.Remember(claimed.Id, new(key, lease, route.Id, null, 1, 0, true, message.Priority, null));
        routes.Move(route, DeliveryState.Waiting, DeliveryState.Leased);
        _arrived[^1] = _arrived[^1] with { Claimed = claimed };
    }

    /// <summary>After the commit: the attempts begin.</summary>
    public void Committed()
    {
        List<Arrival> arrived = [.. _arrived];
        _arrived.Clear();
        foreach (var (room, command, claimed) in arrived)
        {
            using (room)
            {
                try
                {
                    room.Begin(claimed!);
                    command.IsTaken = true;
                }
                catch (Exception)
                {
                    // The others of the batch are committed, and have nothing to do with it. This one is a suspect at the next start.
                }
            }
        }
    }

    /// <summary>After a rollback.</summary>
    public void Forget()
    {
        _arrived.ForEach(static arrival => arrival.Room.Dispose());
        _arrived.Clear();
    }
}
