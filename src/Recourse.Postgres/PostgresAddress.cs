using Npgsql;

namespace Recourse.Postgres;

/// <summary>Where a database is: an address in a line, or a connection string of Npgsql.</summary>
internal sealed record PostgresAddress(NpgsqlConnectionStringBuilder Builder, bool HasSessions)
{
    private const string Pooling = "pooling";

    // Three that write and one that listens are never given back; pulses and reads need room beside them.
    private const int PoolMin = 8;

    /// <exception cref="ArgumentException">It cannot be read.</exception>
    public static PostgresAddress Of(string text)
    {
        var url = text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);
        var sessions = true;
        var builder = url ? OfUrl(text, out sessions) : new(text);
        if (sessions)
            (builder.SearchPath, builder.MaxAutoPrepare, builder.AutoPrepareMinUsages) = (PostgresSchema.Schema, 64, 2);
        else
            (builder.MaxAutoPrepare, builder.NoResetOnClose) = (0, true);
        if (builder.Pooling && builder.MaxPoolSize < PoolMin)
            throw new ArgumentException(
                $"Maximum_Pool_Size is {builder.MaxPoolSize}; it must be {PoolMin} or more (default 100): the store holds three "
                + "connections that write and one that listens, and needs some to pulse and to read.", nameof(text));
        // A server that is gone without a word is found out, instead of waited for until somebody stops the relay.
        if (builder.KeepAlive == 0 && sessions)
            builder.TcpKeepAlive = true;
        return new(builder, sessions);
    }

    private static NpgsqlConnectionStringBuilder OfUrl(string text, out bool sessions)
    {
        sessions = true;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Host.Length == 0 || url.AbsolutePath.Length < 2)
            throw new ArgumentException("The address of a database is postgres://user:password@host:port/database; "
                + "this one names no host or no database.", nameof(text));
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = url.DnsSafeHost,
            Port = url.Port > 0 ? url.Port : NpgsqlConnection.DefaultPort,
            Database = Uri.UnescapeDataString(url.AbsolutePath[1..]),
        };
        var user = url.UserInfo.Split(':', 2);
        if (user[0].Length > 0)
            builder.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            builder.Password = Uri.UnescapeDataString(user[1]);
        foreach (var part in url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var (name, value) = part.Split('=', 2) is [var left, var right] ? (left, Uri.UnescapeDataString(right)) : (part, "");
            if (name == Pooling && value == "transaction")
                sessions = false;
            else if (name == "sslmode")
                builder["SSL Mode"] = value.Replace("-", "", StringComparison.Ordinal);
            else
                builder[name.Replace('_', ' ')] = value;
        }
        return builder;
    }
}
