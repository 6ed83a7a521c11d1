using Recourse.Sqlite;

namespace Recourse.StoreBench;

/// <summary>
/// What a good afternoon's work gives: one table, one index, one writing thread, group commit, prepared statements, synchronous FULL. No
/// fences, no history, no books, no lanes, no keys, no ids for the outside: the least that still loses nothing.
/// </summary>
internal sealed class Floor(string path) : Subject
{
    private sealed record Work(Action<Floor> Run, TaskCompletionSource Done);

    private readonly object _gate = new();
    private readonly TaskCompletionSource _ended = new();
    private Queue<Work> _waiting = new();
    private bool _closed;
    private SqliteStatement _insert = null!;
    private SqliteStatement _claim = null!;
    private SqliteStatement _complete = null!;

    public override string Name => "floor";

    public override async Task OpenAsync()
    {
        var opened = new TaskCompletionSource();
        new Thread(() => Write(opened)) { IsBackground = true }.Start();
        await opened.Task;
    }

    private void Write(TaskCompletionSource opened)
    {
        using var database = new SqliteDatabase(path, readOnly: false);
        database.Execute(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4000;
            CREATE TABLE jobs (id INTEGER PRIMARY KEY, queue INTEGER NOT NULL, state INTEGER NOT NULL, due INTEGER NOT NULL,
              attempts INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL);
            CREATE INDEX jobs_due ON jobs (queue, state, due);
            """);
        var begin = database.Prepare("BEGIN IMMEDIATE");
        var commit = database.Prepare("COMMIT");
        _insert = database.Prepare("INSERT INTO jobs (queue, state, due, payload) VALUES (1, 0, ?1, ?2)");
        _claim = database.Prepare(
            """
            UPDATE jobs SET state = 2, attempts = attempts + 1 WHERE id IN (SELECT id FROM jobs WHERE queue = 1 AND state = 0 ORDER BY
              due LIMIT ?1)
            RETURNING id, payload
            """);
        _complete = database.Prepare("UPDATE jobs SET state = 3 WHERE id = ?1");
        opened.SetResult();
        var batch = new Queue<Work>();
        while (Take(ref batch))
        {
            begin.Run();
            foreach (var work in batch)
                work.Run(this);
            commit.Run();
            while (batch.TryDequeue(out var work))
                work.Done.SetResult();
        }
        _ended.SetResult();
    }

    private bool Take(ref Queue<Work> batch)
    {
        lock (_gate)
        {
            while (_waiting.Count == 0 && !_closed)
                Monitor.Wait(_gate);
            (batch, _waiting) = (_waiting, batch);
            return batch.Count > 0;
        }
    }

    private Task AddAsync(Action<Floor> run)
    {
        var work = new Work(run, new(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            _waiting.Enqueue(work);
            Monitor.Pulse(_gate);
        }
        return work.Done.Task;
    }

    public override Task EnqueueAsync(ReadOnlyMemory<byte> body) =>
        AddAsync(floor => floor._insert.Bind(1, Environment.TickCount64).Bind(2, body.Span).Run());

    public override async Task<int> HandleAsync(int max)
    {
        var ids = new List<long>();
        var payloads = new List<byte[]>();
        await AddAsync(floor =>
        {
            floor._claim.Bind(1, max);
            while (floor._claim.Step())
            {
                ids.Add(floor._claim.Int64(0));
                payloads.Add(floor._claim.Blob(1));
            }
        });
        if (ids.Count > 0)
        {
            await AddAsync(floor =>
            {
                foreach (var id in ids)
                    floor._complete.Bind(1, id).Run();
            });
        }
        return ids.Count;
    }

    public override async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.Pulse(_gate);
        }
        await _ended.Task;
    }
}
