using Recourse.Postgres;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>The whole contract with claims of one statement, wherever that can be; the others are made in two trips.</summary>
public sealed class PostgresAtOnceTests(PostgresServer server) : StoreContract, IClassFixture<PostgresServer>
{
    private string? _connection;

    protected override MessageStore Create(ManualClock clock) => AtOnce(_connection ??= server.EmptiedDatabase(), clock);

    public static PostgresMessageStore AtOnce(string connection, ManualClock clock) => new(connection, clock) { AlwaysAtOnce = true };
}
