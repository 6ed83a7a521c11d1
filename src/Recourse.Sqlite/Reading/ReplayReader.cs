using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Reads replay jobs and their letters.</summary>
internal static class ReplayReader
{
    public static Page<ReplayJob> Page(ReadConnection read, long? cursor, int limit)
    {
        var row = read[$"SELECT {ReplaySql.Columns} FROM replays WHERE number < ?1 ORDER BY number DESC LIMIT ?2"];
        row.Bind(1, cursor ?? long.MaxValue).Bind(2, limit + 1);
        var jobs = new List<(long Number, ReplayJob Job)>();
        while (row.Step())
            jobs.Add((row.Int64(0), ReplaySql.Job(row)));
        return new([.. jobs.Take(limit).Select(job => job.Job)], jobs.Count > limit ? KeyCursor.Text(jobs[limit - 1].Number) : null);
    }

    public static IReadOnlyList<ReplayJob> Active(ReadConnection read)
    {
        var row = read[$"SELECT {ReplaySql.Columns} FROM replays WHERE state IN (0, 1) ORDER BY number"];
        var jobs = new List<ReplayJob>();
        while (row.Step())
            jobs.Add(ReplaySql.Job(row));
        return jobs;
    }

    public static ReplayJob? Job(ReadConnection read, Guid id)
    {
        var row = read[$"SELECT {ReplaySql.Columns} FROM replays WHERE id = ?1"];
        var job = row.Bind(1, id).Step() ? ReplaySql.Job(row) : null;
        row.Reset();
        return job;
    }

    public static Page<ReplayItem> Items(ReadConnection read, Guid id, ReplayOutcome? outcome, long? cursor, int limit)
    {
        var row = read[
            $"""
            {ReplaySql.Items} WHERE replay = (SELECT number FROM replays WHERE id = ?1) AND delivery > ?2 AND (?3 IS NULL OR outcome = ?3)
            ORDER BY delivery LIMIT ?4
            """];
        row.Bind(1, id).Bind(2, cursor ?? -1).Bind(3, (long?)outcome).Bind(4, limit + 1);
        var items = new List<(long Key, ReplayItem Item)>();
        while (row.Step())
            items.Add((row.Int64(0), ReplaySql.Item(row)));
        return new([.. items.Take(limit).Select(item => item.Item)], items.Count > limit ? KeyCursor.Text(items[limit - 1].Key) : null);
    }
}
