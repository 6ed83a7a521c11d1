using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// Keeps the row of each lane true to its members: the head is the delivery that was stored first, and the lane is as claimable as its
/// head. A head that is dead stays in the way until it is replayed or discarded, unless it left the lane when it died.
/// </summary>
internal sealed class Lanes(SqliteDatabase database, Routes routes)
{
    private readonly SqliteStatement _find = database.Prepare("SELECT id FROM lanes WHERE service = ?1 AND order_key = ?2");
    private readonly SqliteStatement _add = database.Prepare(
        "INSERT INTO lanes (service, order_key, head, state, due_at, route, rank) VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6) RETURNING id");
    private readonly SqliteStatement _state = database.Prepare("SELECT state, head FROM lanes WHERE id = ?1");
    private readonly SqliteStatement _first = database.Prepare(
        "SELECT key, state, due_at, suspect, route, rank FROM deliveries WHERE lane = ?1 ORDER BY key LIMIT 1");
    private readonly SqliteStatement _set = database.Prepare(
        "UPDATE lanes SET head = ?2, state = ?3, due_at = ?4, suspect = ?5, route = ?6, rank = ?7 WHERE id = ?1");
    private readonly SqliteStatement _take = database.Prepare("UPDATE lanes SET state = 2 WHERE id = ?1");
    private readonly SqliteStatement _remove = database.Prepare("DELETE FROM lanes WHERE id = ?1");

    /// <summary>The lane for a new delivery, behind those that are in it.</summary>
    public long Join(Route route, string orderKey, long key, long dueAt, int rank)
    {
        if (_find.Bind(1, route.ServiceId).Bind(2, orderKey).Scalar() is { } found)
            return found;
        route.Sources.Mark(rank, inLane: true);
        return _add.Bind(1, route.ServiceId).Bind(2, orderKey).Bind(3, key).Bind(4, dueAt).Bind(5, route.Id).Bind(6, rank).Scalar()!.Value;
    }

    public void Take(long lane) => _take.Bind(1, lane).Run();

    /// <summary>After a member changed or left: whoever is first now is the head. Not while another member is in hand.</summary>
    public void Settle(long lane, long changed)
    {
        _state.Bind(1, lane);
        var inHand = _state.Step() && _state.Int64(0) == (int)DeliveryState.Leased && _state.Int64(1) != changed;
        _state.Reset();
        if (inHand)
            return;
        if (!_first.Bind(1, lane).Step())
        {
            _remove.Bind(1, lane).Run();
            return;
        }
        _set.Bind(1, lane).Bind(2, _first.Int64(0)).Bind(3, _first.Int64(1)).Bind(4, _first.Int64(2)).Bind(5, _first.Int64(3))
            .Bind(6, _first.Int64(4)).Bind(7, _first.Int64(5));
        // A damaged row can name a route that is not there; nobody claims from that.
        routes.Find(_first.Int64(4))?.Sources.Mark(_first.Int32(5), inLane: true);
        _first.Reset();
        _set.Run();
    }
}
