using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>What cannot change about a delivery while its lease is held.</summary>
internal readonly record struct Held(long Key, long Lease, long Route, long? Lane, int Attempts, int Generation, bool OnlyOne, int Rank,
    long? Replay);

/// <summary>
/// Finds the row behind a lease: from memory where this process claimed it, so that ending an attempt needs no look-up. Only a hint:
/// whether the lease still holds is decided by the row itself, in the update.
/// </summary>
internal sealed class HeldDeliveries(SqliteDatabase database)
{
    private readonly Dictionary<DeliveryId, Held> _held = [];
    private readonly SqliteStatement _find = database.Prepare(
        """
        SELECT d.key, d.lease, d.route, d.lane, d.attempts, d.generation, m.services, d.rank, d.replay
        FROM messages m JOIN deliveries d ON d.key = m.sequence * 256 + ?2 WHERE m.id = ?1 AND d.state = 2
        """);

    public void Remember(DeliveryId id, Held held) => _held[id] = held;

    /// <summary>The delivery when it is in hand under this lease; null when the lease is lost.</summary>
    public Held? Take(DeliveryId id, long lease)
    {
        if (_held.TryGetValue(id, out var held) && held.Lease == lease)
        {
            _held.Remove(id);
            return held;
        }
        if (id.Index is < 0 or >= DeliveryKey.ServicesMax || !_find.Bind(1, id.MessageId).Bind(2, id.Index).Step())
            return null;
        held = new(_find.Int64(0), _find.Int64(1), _find.Int64(2), _find.Int64OrNull(3), _find.Int32(4), _find.Int32(5),
            _find.Int64(6) == 1, _find.Int32(7), _find.Int64OrNull(8));
        _find.Reset();
        return held.Lease == lease ? held : null;
    }

    /// <summary>After a rollback: the rows know.</summary>
    public void Forget() => _held.Clear();
}
