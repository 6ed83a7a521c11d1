using Npgsql;

namespace Recourse.Postgres;

/// <summary>Statements on one connection, with parameters by position. Npgsql prepares those that come again.</summary>
internal sealed class Sql(NpgsqlConnection connection)
{
    public int Run(string text, params ReadOnlySpan<object?> values)
    {
        using var command = Command(text, values);
        return command.ExecuteNonQuery();
    }

    public List<T> Read<T>(string text, Func<NpgsqlDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using var command = Command(text, values);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }

    /// <summary>
    /// The first statement of every transaction: the time, by the server's clock, and what must hold until its end. Nothing is kept in the
    /// session, which a pooler between may change with every transaction. A server that loses sight of this program in the middle of a
    /// transaction gives its locks up after 10 s.
    /// </summary>
    public long Begin(Func<long>? clock)
    {
        var now = (long)Scalar(
            """
            SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, set_config('search_path', 'recourse', true),
              set_config('idle_in_transaction_session_timeout', '10s', true)
            """)!;
        return clock?.Invoke() ?? now;
    }

    /// <summary>The first column of the first row; null when there is none.</summary>
    public object? Scalar(string text, params ReadOnlySpan<object?> values)
    {
        using var command = Command(text, values);
        return command.ExecuteScalar() is { } value and not DBNull ? value : null;
    }

    private NpgsqlCommand Command(string text, ReadOnlySpan<object?> values)
    {
        var command = new NpgsqlCommand(text, connection);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        return command;
    }
}

/// <summary>Columns that may be NULL.</summary>
internal static class ReaderExtensions
{
    public static long? Int64OrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static string? TextOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
