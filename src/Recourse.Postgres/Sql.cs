using System.Diagnostics;
using Npgsql;

namespace Recourse.Postgres;

/// <summary>
/// Statements on one connection, with parameters by position. What needs no answer yet waits, and goes to the server in one trip with the
/// first statement whose answer is needed: a batch of commands costs a few trips, not one for each statement. Npgsql prepares statements
/// that come again. Not for several threads.
/// </summary>
internal sealed class Sql(NpgsqlConnection connection)
{
    private readonly List<Statement> _waiting = [];
    private Statement? _begin;
    private bool _isOpen;

    /// <summary>
    /// For a connection whose session is this program's alone: what <see cref="Begin"/> would else set in each transaction.
    /// </summary>
    public void SetForGood() => Script(string.Join(';', Settings.Concat(IndexesOnly).Select(set => $"SET {set.Name} = '{set.Value}'")));

    /// <summary>
    /// Begins a transaction that writes. A server that loses sight of this program in the middle of it gives its locks up after 10 s.
    /// </summary>
    /// <param name="clock">One of the tests; null for the server's.</param>
    /// <param name="sets">True when nothing may be kept in the session, which a pooler between may change with every transaction.</param>
    public Moment Begin(Func<long>? clock, bool sets)
    {
        _begin = Add(new Statement(), "BEGIN", []);
        if (sets)
            Set([.. Settings, .. IndexesOnly]);
        return new(this, clock?.Invoke());
    }

    /// <summary>The same for one that only reads, or was begun otherwise.</summary>
    public Moment Time(Func<long>? clock)
    {
        Set(Settings);
        return new(this, clock?.Invoke());
    }

    private void Set(IEnumerable<(string Name, string Value)> settings) => LaterUnread(
        "SELECT " + string.Join(", ", settings.Select(set => $"set_config('{set.Name}', '{set.Value}', true)")));

    private static readonly (string Name, string Value)[] Settings =
        [("search_path", "recourse"), ("idle_in_transaction_session_timeout", "10s")];

    // Whatever is written is found by an index. A plan made while the tables were small, or not yet counted, would read them whole, and be
    // kept while they grow; and planning anew costs more than most statements here.
    private static readonly (string Name, string Value)[] IndexesOnly =
        [("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off")];

    /// <summary>When the transaction began, by the server's clock.</summary>
    public Answer<long> AskTime() =>
        Add(new Answer<long>(this, static row => row.GetInt64(0)) { IsSure = true }, $"SELECT {Moment.OfServer}", []);

    /// <summary>Commits, in one trip with what waits. When nothing was sent yet, that trip is a transaction by itself.</summary>
    public void Commit()
    {
        // Rows that cannot be read must be known before it is too late.
        if (_waiting.Exists(static statement => !statement.IsSure))
            Send();
        LastTrip();
        Send();
        _isOpen = false;
    }

    /// <summary>The same for a transaction of which nothing waits for an answer but the commit; no thread waits for it either.</summary>
    public async ValueTask CommitAsync()
    {
        LastTrip();
        await SendAsync().ConfigureAwait(false);
        _isOpen = false;
    }

    private void LastTrip()
    {
        if (_begin is null)
            Later("COMMIT");
        else
            _waiting.Remove(_begin);
        _begin = null;
    }

    /// <summary>Gives the transaction up, with what waits. A connection that is lost needs none.</summary>
    public void Rollback() => GiveUp("ROLLBACK");

    /// <summary>
    /// Sent before the next answer or the commit, in order; its error shows up there. Of statements that give rows, only by
    /// <see cref="LaterUnread"/>. Lists among the values must stay as they are until then.
    /// </summary>
    public void Later(string text, params ReadOnlySpan<object?> values) => Add(new Statement(), text, values);

    /// <summary>The same for one that gives rows nobody reads: it takes a lock, or sets something.</summary>
    public void LaterUnread(string text, params ReadOnlySpan<object?> values) =>
        Add(new Answer<bool>(this, static _ => true) { IsSure = true }, text, values);

    /// <summary>As <see cref="Later"/>, with rows that are there once they are looked at.</summary>
    public Answer<T> Ask<T>(string text, Func<NpgsqlDataReader, T> row, params ReadOnlySpan<object?> values) =>
        Add(new Answer<T>(this, row) { IsSure = false }, text, values);

    /// <summary>The same for rows that can be read whatever is in them: they may come with the commit.</summary>
    public Answer<T> AskWithCommit<T>(string text, Func<NpgsqlDataReader, T> row, params ReadOnlySpan<object?> values) =>
        Add(new Answer<T>(this, row) { IsSure = true }, text, values);

    /// <summary>All rows.</summary>
    public List<T> Read<T>(string text, Func<NpgsqlDataReader, T> row, params ReadOnlySpan<object?> values) => Ask(text, row, values).Rows;

    /// <summary>How many rows were changed.</summary>
    public int Run(string text, params ReadOnlySpan<object?> values)
    {
        var statement = Add(new Statement(), text, values);
        Send();
        return statement.Command.RecordsAffected;
    }

    /// <summary>The first column of the first row; null when there is none.</summary>
    public object? Scalar(string text, params ReadOnlySpan<object?> values) =>
        Read(text, static row => row.IsDBNull(0) ? null : row.GetValue(0), values) is [var value, ..] ? value : null;

    /// <summary>Several statements in one text, without parameters.</summary>
    public void Script(string text)
    {
        Send();
        using var command = new NpgsqlCommand(text, connection);
        command.ExecuteNonQuery();
    }

    /// <summary>Sends what waits, if anything does.</summary>
    public void Send()
    {
        if (_waiting.Count == 0)
            return;
        using var batch = Trip(out var sent);
        using var reader = batch.ExecuteReader();
        foreach (var statement in sent)
        {
            if (!statement.HasRows)
                continue;
            while (reader.Read())
                statement.Take(reader);
            statement.Taken();
            reader.NextResult();
        }
    }

    private async ValueTask SendAsync()
    {
        if (_waiting.Count == 0)
            return;
        using var batch = Trip(out var sent);
        var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
        await using var open = reader.ConfigureAwait(false);
        foreach (var statement in sent)
        {
            if (!statement.HasRows)
                continue;
            while (await reader.ReadAsync().ConfigureAwait(false))
                statement.Take(reader);
            statement.Taken();
            await reader.NextResultAsync().ConfigureAwait(false);
        }
    }

    private NpgsqlBatch Trip(out Statement[] sent)
    {
        sent = [.. _waiting];
        _waiting.Clear();
        if (_begin is not null)
            (_begin, _isOpen) = (null, true);
        var batch = new NpgsqlBatch(connection);
        foreach (var statement in sent)
            batch.BatchCommands.Add(statement.Command);
        return batch;
    }

    /// <summary>From here on <see cref="RollbackToMark"/> leads back.</summary>
    public void Mark() => Run("SAVEPOINT command");

    /// <summary>Gives up what came behind the mark, and what waits.</summary>
    public void RollbackToMark() => GiveUp("ROLLBACK TO SAVEPOINT command");

    // Of a trip that failed Npgsql takes the statements behind the error for prepared, which the server never saw: all are prepared anew.
    private void GiveUp(string how)
    {
        _waiting.Clear();
        _begin = null;
        if (connection.State is not System.Data.ConnectionState.Open)
            return;
        if (_isOpen)
        {
            using var command = new NpgsqlCommand(how, connection);
            command.ExecuteNonQuery();
        }
        connection.UnprepareAll();
    }

    private T Add<T>(T statement, string text, ReadOnlySpan<object?> values) where T : Statement
    {
        statement.Command.CommandText = text;
        foreach (var value in values)
            statement.Command.Parameters.Add(new() { Value = value ?? DBNull.Value });
        _waiting.Add(statement);
        return statement;
    }
}

/// <summary>One that waits for its trip.</summary>
internal class Statement
{
    public NpgsqlBatchCommand Command { get; } = new();

    public virtual bool HasRows => false;

    /// <summary>True when its rows, if it has some, can be read whatever is in them.</summary>
    public bool IsSure { get; init; } = true;

    /// <summary>One row.</summary>
    public virtual void Take(NpgsqlDataReader reader)
    {
    }

    /// <summary>There are no more.</summary>
    public virtual void Taken()
    {
    }
}

/// <summary>The rows of a statement; looking at them sends what waits.</summary>
internal sealed class Answer<T>(Sql sql, Func<NpgsqlDataReader, T> row) : Statement
{
    private readonly List<T> _taken = [];
    private List<T>? _rows;

    public override bool HasRows => true;

    /// <summary>Called with the rows as soon as they are there; it must ask for nothing.</summary>
    public Action<List<T>>? Then { get; set; }

    public List<T> Rows
    {
        get
        {
            if (_rows is null)
                sql.Send();
            return _rows!;
        }
    }

    public override void Take(NpgsqlDataReader reader) => _taken.Add(row(reader));

    public override void Taken()
    {
        _rows = _taken;
        Then?.Invoke(_rows);
    }
}

/// <summary>
/// When a transaction began, in microseconds since 1970: by the server's clock, or by one of the tests. Statements take it as
/// <see cref="Given"/>; whoever needs the number itself waits for a trip.
/// </summary>
internal sealed class Moment(Sql sql, long? given)
{
    /// <summary>
    /// The server's clock at the beginning of the transaction. As a float, which is exact to the microsecond until the year 2106, and
    /// costs less for each row than a numeric.
    /// </summary>
    public const string OfServer = "(date_part('epoch', transaction_timestamp()) * 1000000)::bigint";

    /// <summary>The moment as a statement says it whose first parameter is <see cref="Given"/>.</summary>
    public const string InSql = $"coalesce($1::bigint, {OfServer})";

    private Answer<long>? _read;
    private Func<long>? _other;

    /// <summary>Null: by the server's clock.</summary>
    public long? Given => given;

    /// <summary>Microseconds of a clock that tells only how long ago something was; no trip.</summary>
    public long Rough => given ?? (long)Stopwatch.GetElapsedTime(0).TotalMicroseconds;

    /// <summary>Sends what waits, unless it is known.</summary>
    public long Value => given ?? _other?.Invoke() ?? (_read ??= sql.AskTime()).Rows[0];

    /// <summary>True when <see cref="Value"/> was asked for, or rode along.</summary>
    public bool IsAsked => _read is not null;

    /// <summary>Another statement reads it too.</summary>
    public void AlsoIn(Func<long> other) => _other = other;

    /// <summary>Asked with the next trip.</summary>
    public void Ahead()
    {
        if (given is null)
            _read ??= sql.AskTime();
    }
}

/// <summary>Columns that may be NULL.</summary>
internal static class ReaderExtensions
{
    public static long? Int64OrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static string? TextOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
