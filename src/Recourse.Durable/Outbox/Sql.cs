using System.Data.Common;

namespace Recourse.Durable;

/// <summary>Statements on an application's own connection, whatever its provider.</summary>
internal static class Sql
{
    public static async Task<int> RunAsync(DbConnection connection, DbTransaction? transaction, string text, CancellationToken token,
        params (string Name, object? Value)[] values)
    {
        await using var command = Command(connection, transaction, text, values);
        return await command.ExecuteNonQueryAsync(token);
    }

    public static DbCommand Command(
        DbConnection connection, DbTransaction? transaction, string text, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var command = connection.CreateCommand();
        (command.CommandText, command.Transaction) = (text, transaction);
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value ?? DBNull.Value);
            // Without a type PostgreSQL could not tell what a null is.
            if (value is null)
                parameter.DbType = System.Data.DbType.String;
            command.Parameters.Add(parameter);
        }
        return command;
    }

    public static string? TextOrNull(this DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
