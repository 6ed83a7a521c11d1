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
