using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>The columns of replay jobs, their letters and controls, how rows become them, and their lists.</summary>
internal static class ReplaySql
{
    public const string Columns =
        """
        number, id, request, state, state_reason, made_at, ended_at, matched, replayed, skipped, delivered, dead_again,
        canary_judged, cursor
        """;

    public const string Controls = "SELECT kind, name, actor, reason, since FROM controls ORDER BY kind COLLATE \"C\", name COLLATE \"C\"";

    public static ReplayJob Job(NpgsqlDataReader row) => new()
    {
        Id = row.GetGuid(1),
        Request = ReplayText.Read(row.GetString(2)),
        State = (ReplayState)row.GetInt16(3),
        StateReason = row.TextOrNull(4),
        MadeAt = StoreTime.Time(row.GetInt64(5)),
        EndedAt = row.Int64OrNull(6) is { } ended ? StoreTime.Time(ended) : null,
        Matched = row.GetInt64(7),
        Replayed = row.GetInt64(8),
        Skipped = row.GetInt64(9),
        Delivered = row.GetInt64(10),
        DeadAgain = row.GetInt64(11),
        CanaryJudged = row.GetBoolean(12),
        Cursor = row.TextOrNull(13),
    };

    /// <summary>A control; null for a kind of a later release.</summary>
    public static Control? Control(NpgsqlDataReader row) => Enum.TryParse<ControlKind>(row.GetString(0), out var kind)
        ? new(kind, row.GetString(1), row.GetString(2), row.TextOrNull(3), StoreTime.Time(row.GetInt64(4))) : null;

    public static Page<ReplayJob> Page(Sql sql, long? cursor, int limit)
    {
        var jobs = sql.Read($"SELECT {Columns} FROM replays WHERE number < $1 ORDER BY number DESC LIMIT $2", row =>
            (Number: row.GetInt64(0), Job: Job(row)), cursor ?? long.MaxValue, limit + 1);
        return new([.. jobs.Take(limit).Select(job => job.Job)], jobs.Count > limit ? KeyCursor.Text(jobs[limit - 1].Number) : null);
    }

    public static Page<ReplayItem> Items(Sql sql, Guid id, ReplayOutcome? outcome, long? cursor, int limit)
    {
        var items = sql.Read(
            """
            SELECT delivery, message, generation, at, outcome, ended_at, reason FROM replay_items
            WHERE replay = (SELECT number FROM replays WHERE id = $1) AND delivery > $2 AND ($3::integer IS NULL OR outcome = $3::integer)
            ORDER BY delivery LIMIT $4
            """,
            row => (Key: row.GetInt64(0), Item: new ReplayItem(
                new(row.GetGuid(1), DeliveryKey.Index(row.GetInt64(0))), row.GetInt32(2), StoreTime.Time(row.GetInt64(3)),
                (ReplayOutcome)row.GetInt16(4), row.Int64OrNull(5) is { } ended ? StoreTime.Time(ended) : null)
            { Reason = row.TextOrNull(6) }),
            id, cursor ?? -1, (int?)outcome, limit + 1);
        return new([.. items.Take(limit).Select(item => item.Item)], items.Count > limit ? KeyCursor.Text(items[limit - 1].Key) : null);
    }
}
