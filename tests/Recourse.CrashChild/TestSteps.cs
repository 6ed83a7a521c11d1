using Recourse.Durable;
using Recourse.Sqlite;

/// <summary>Steps of a schema that never was, behind those of the program: each writes much, so that a kill meets the middle of
/// it.</summary>
internal static class TestSteps
{
    private static readonly IReadOnlyList<Migration> Known = Migration.Of(typeof(SqliteMessageStore).Assembly);

    public static IReadOnlyList<Migration> All { get; } =
    [
        .. Known,
        Step(1, "CREATE TABLE test_bodies (sequence INTEGER PRIMARY KEY, body BLOB NOT NULL);"
            + "INSERT INTO test_bodies SELECT sequence, body FROM messages;"),
        Step(2, "ALTER TABLE messages ADD COLUMN test_size INTEGER; UPDATE messages SET test_size = length(body);"),
        Step(3, "CREATE INDEX test_size ON messages (test_size); DROP TABLE test_bodies;"),
    ];

    private static Migration Step(int by, string sql) => new(Known[^1].Version + by, $"{Known[^1].Version + by:0000}_test", sql);
}
