using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>
/// Says that this node lives, on a connection of its own: a slow batch of the writer must not make the node look dead. Each pulse is one
/// short transaction.
/// </summary>
internal sealed class PulseWriter(NpgsqlDataSource source, Func<long>? clock)
{
    public Pulse Apply(PulseCommand command) => Transact((sql, now) =>
    {
        var (identity, id) = (command.Identity, command.Id);
        if (id == 0 || sql.Run(
            "UPDATE nodes SET beats = beats + 1, heartbeat_at = $2, name = $3, version = $4::text, address = $5::text WHERE id = $1",
            id, now, identity.Name, identity.Version, identity.Address) == 0)
            id = (long)sql.Scalar(
                """
                INSERT INTO nodes (name, version, address, started_at, heartbeat_at, beats) VALUES ($1, $2::text, $3::text, $4, $4, 1)
                RETURNING id
                """, identity.Name, identity.Version, identity.Address, now)!;
        TakeVacantDuty(sql, id);
        var nodes = sql.Read("SELECT id, beats FROM nodes ORDER BY id", row => new NodeBeat(row.GetInt64(0), row.GetInt64(1)));
        return new Pulse(
            id, nodes, LeaseEnd.HasWork(sql),
            sql.Scalar("SELECT 1 FROM duties WHERE name = 'housekeeping' AND node = $1", id) is not null,
            [.. sql.Read(ReplaySql.Controls, ReplaySql.Control).OfType<Control>()],
            sql.Read("SELECT service, number FROM service_resets", row => (Service: row.GetString(0), Number: row.GetInt64(1)))
                .ToDictionary(reset => reset.Service, reset => reset.Number));
    });

    // Two statements: the first waits for whoever is taking the duty, and only a later one sees that node among the nodes. Only while
    // nobody has the duty: a node that holds the row's lock and hangs must not hold up the pulses of all.
    private static void TakeVacantDuty(Sql sql, long id)
    {
        if (sql.Scalar("SELECT 1 FROM duties d JOIN nodes n ON n.id = d.node WHERE d.name = 'housekeeping'") is not null)
            return;
        sql.Later(
            "INSERT INTO duties AS d (name, node) VALUES ('housekeeping', $1) ON CONFLICT (name) DO UPDATE SET node = d.node", id);
        sql.Later(
            """
            UPDATE duties d SET node = $1 WHERE d.name = 'housekeeping' AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = d.node)
            """, id);
    }

    /// <summary>Gives back what nobody has in hand; the services for which that is.</summary>
    public List<string> Release(LostArrivals lost)
    {
        var (services, at) = Transact((sql, now) => (lost.Release(sql), now));
        lost.Looked(at);
        return services;
    }

    public bool Apply(LeaveCommand command) =>
        Transact((sql, _) => sql.Run("DELETE FROM nodes WHERE id = $1", command.Id) > 0);

    private T Transact<T>(Func<Sql, long, T> apply)
    {
        using var connection = source.OpenConnection();
        using var transaction = connection.BeginTransaction();
        var sql = new Sql(connection);
        var result = apply(sql, sql.Time(clock).Value);
        sql.Send();
        transaction.Commit();
        return result;
    }
}
