using System.Net.Sockets;
using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Turns what Npgsql throws into the store's words.</summary>
internal static class PostgresErrors
{
    /// <summary>
    /// True when the command itself is at fault: data that does not fit, a constraint. Anything else is the server's or the network's.
    /// </summary>
    public static bool IsOfCommand(Exception error) => error switch
    {
        PostgresException { SqlState: var state } => state[..2] is "22" or "23" or "42" or "54",
        NpgsqlException or IOException or SocketException or TimeoutException => false,
        _ => true,
    };

    /// <summary>True when the same batch may pass the next time: a deadlock or a failed serialisation.</summary>
    public static bool IsPassing(Exception error) => error is PostgresException { SqlState: "40P01" or "40001" };

    /// <summary>True when the connection ended in the middle, as it does when the server or an administrator ends it.</summary>
    public static bool IsLostConnection(NpgsqlException error) =>
        error is PostgresException { SqlState: "57P01" or "57P02" } or { InnerException: IOException };

    public static StoreException AsStoreException(Exception error) => error switch
    {
        StoreException known => known,
        PostgresException { SqlState: "53100" } => Of(error, StoreProblem.DiskFull, "the server's disk is full; free some space there"),
        PostgresException { SqlState: "25006" } =>
            Of(error, StoreProblem.ReadOnly, "the server is read-only, perhaps a standby; give the primary"),
        PostgresException { SqlState: "55P03" } => Of(error, StoreProblem.Locked, "another transaction holds the lock; end it"),
        PostgresException { SqlState: "28P01" or "28000" or "3D000" or "42501" } =>
            Of(error, StoreProblem.Unavailable, "check user, password, database and rights in the connection string"),
        PostgresException { SqlState: "58030" or "XX001" or "XX002" } =>
            Of(error, StoreProblem.Corrupt, "the server's files are damaged; see its log"),
        PostgresException { SqlState: var state } when state[..2] is "22" or "23" or "42" or "54" =>
            Of(error, StoreProblem.Other, "the command was refused"),
        NpgsqlException or IOException or SocketException or TimeoutException =>
            Of(error, StoreProblem.Unavailable, "check that the server runs and can be reached"),
        _ => Of(error, StoreProblem.Other, "this was not expected"),
    };

    private static StoreException Of(Exception error, StoreProblem problem, string advice) =>
        new($"PostgreSQL store: {error.Message}; {advice}.", problem, error);
}
