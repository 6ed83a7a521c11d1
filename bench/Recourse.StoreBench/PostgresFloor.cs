using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;

namespace Recourse.StoreBench;

/// <summary>
/// What a good afternoon's work gives on PostgreSQL: one table, one index; the sends that wait share one insert; a claim takes up to a
/// hundred with SKIP LOCKED, and one update ends them. No fences, no history, no books, no lanes, no keys, no nodes.
/// </summary>
internal sealed class PostgresFloor(string connection) : Subject
{
    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(connection);
    private readonly Channel<(byte[] Body, TaskCompletionSource Done)> _sends =
        Channel.CreateUnbounded<(byte[] Body, TaskCompletionSource Done)>(new() { SingleReader = true });
    private Task _writing = Task.CompletedTask;

    public override string Name => "floor";

    public override async Task OpenAsync()
    {
        await using var command = _source.CreateCommand(
            """
            CREATE TABLE jobs (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue integer NOT NULL, state integer NOT NULL,
              due bigint NOT NULL, attempts integer NOT NULL DEFAULT 0, payload bytea NOT NULL);
            CREATE INDEX jobs_due ON jobs (queue, due) WHERE state = 0;
            """);
        await command.ExecuteNonQueryAsync();
        _writing = WriteAsync();
    }

    private async Task WriteAsync()
    {
        await using var open = await _source.OpenConnectionAsync();
        await using var insert = new NpgsqlCommand(
            "INSERT INTO jobs (queue, state, due, payload) SELECT 1, 0, $1, p FROM unnest($2::bytea[]) AS p", open);
        var due = insert.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Bigint });
        var bodies = insert.Parameters.Add(new() { NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea });
        await insert.PrepareAsync();
        var batch = new List<(byte[] Body, TaskCompletionSource Done)>();
        while (await _sends.Reader.WaitToReadAsync())
        {
            batch.Clear();
            while (_sends.Reader.TryRead(out var send))
                batch.Add(send);
            due.Value = Environment.TickCount64;
            bodies.Value = batch.ConvertAll(send => send.Body).ToArray();
            await insert.ExecuteNonQueryAsync();
            foreach (var (_, done) in batch)
                done.SetResult();
        }
    }

    public override Task EnqueueAsync(ReadOnlyMemory<byte> body)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _sends.Writer.TryWrite((body.ToArray(), done));
        return done.Task;
    }

    public override async Task<int> HandleAsync(int max)
    {
        await using var open = await _source.OpenConnectionAsync();
        var ids = new List<long>();
        await using (var claim = new NpgsqlCommand(
            """
            UPDATE jobs SET state = 2, attempts = attempts + 1 WHERE id IN
              (SELECT id FROM jobs WHERE queue = 1 AND state = 0 ORDER BY due LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, payload
            """, open)
        { Parameters = { new() { Value = max } } })
        {
            await claim.PrepareAsync();
            await using var rows = await claim.ExecuteReaderAsync();
            while (await rows.ReadAsync())
            {
                ids.Add(rows.GetInt64(0));
                rows.GetFieldValue<byte[]>(1);
            }
        }
        if (ids.Count == 0)
            return 0;
        await using var complete = new NpgsqlCommand("UPDATE jobs SET state = 3 WHERE id = ANY ($1)", open)
        {
            Parameters = { new() { Value = ids.ToArray() } },
        };
        await complete.PrepareAsync();
        await complete.ExecuteNonQueryAsync();
        return ids.Count;
    }

    public override async ValueTask DisposeAsync()
    {
        _sends.Writer.Complete();
        await _writing;
        await _source.DisposeAsync();
    }
}
