using System.Collections.Concurrent;

namespace Recourse.Durable.Tests;

/// <summary>Somebody with room for so many, who notes what he gets; it is never worked on.</summary>
internal sealed class ArrivalDesk(int room) : IArrivals
{
    private int _free = room;
    private int _open;

    /// <summary>What was claimed with its storing, in order.</summary>
    public ConcurrentQueue<ClaimedDelivery> Begun { get; } = new();

    /// <summary>How much room is left.</summary>
    public int Free => Volatile.Read(ref _free);

    /// <summary>Rooms that were asked for, and not given back.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>What it fails to begin; null fails nothing.</summary>
    public Func<ClaimedDelivery, bool>? Refuses { get; set; }

    public ArrivalRoom? Reserve(string service, int count)
    {
        var taken = 0;
        while (taken < count && Interlocked.Decrement(ref _free) >= 0)
            taken++;
        if (taken < count)
            Interlocked.Increment(ref _free);
        if (taken == 0)
            return null;
        Interlocked.Increment(ref _open);
        return new Room(this, taken);
    }

    private sealed class Room(ArrivalDesk desk, int count) : ArrivalRoom
    {
        private int _left = count;
        private bool _disposed;

        public override int Count { get; } = count;

        public override string Node => "desk";

        public override void Begin(ClaimedDelivery delivery)
        {
            Assert.True(_left-- > 0 && !_disposed, "More began than there was room for.");
            if (desk.Refuses?.Invoke(delivery) == true)
                throw new InvalidOperationException("It cannot begin.");
            desk.Begun.Enqueue(delivery);
        }

        public override void Dispose()
        {
            Assert.False(_disposed, "The room was given back twice.");
            _disposed = true;
            Interlocked.Add(ref desk._free, _left);
            Interlocked.Decrement(ref desk._open);
        }
    }
}
