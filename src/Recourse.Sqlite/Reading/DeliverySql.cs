using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>
/// The columns that a delivery is shown from, and how a row becomes one. What cannot be read of a row costs that part only.
/// </summary>
internal static class DeliverySql
{
    public const string Columns =
        """
        d.key, d.route, d.state, d.due_at, d.generation, d.attempts, d.kind, d.persistence, d.blame, d.ended_at, d.suspect, d.decision,
        m.id, m.created_at, m.order_key,
        CASE WHEN d.lane IS NULL THEN 0
             WHEN d.state = 4 THEN (SELECT count(*) FROM
               (SELECT 1 FROM deliveries f WHERE f.lane = d.lane AND f.key > d.key AND f.state = 0 LIMIT 10000))
             ELSE coalesce((SELECT l.head <> d.key OR l.state <> 0 FROM lanes l WHERE l.id = d.lane), 0) END,
        a.error, a.decision, q.name, s.name, d.key_generation, m.trace_parent, d.started_at, d.duration_ms, d.status, d.node,
        d.letter_group, d.edits, k.assignee, k.note, k.manual, k.taken_by, k.taken_until, k.resolved_at IS NOT NULL,
        d.rank, d.expires_at
        """;

    public const string From =
        """
        FROM deliveries d LEFT JOIN messages m ON m.sequence = d.key >> 8
        LEFT JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt
        LEFT JOIN routes r ON r.id = d.route LEFT JOIN queues q ON q.id = r.queue LEFT JOIN services s ON s.id = r.service
        LEFT JOIN letter_marks k ON k.delivery = d.key
        """;

    public const int DeadAtColumn = 9;
    public const int ErrorColumn = 16;
    public const int IdColumn = 12;
    // Of what waits: whether its lane holds it back; of a dead letter: how many of its lane wait for it (PageCursor.HoldsMax at most).
    private const int LaneColumn = 15;

    public static DeliverySummary Summary(SqliteStatement row, long now)
    {
        var state = (DeliveryState)row.Int32(2);
        var waits = state is DeliveryState.Waiting;
        var marks = new LetterMarks(row.TextOrNull(28), row.TextOrNull(29), row.Bool(30), row.TextOrNull(31), row.Int64OrNull(32));
        var holder = marks.HolderAt(now);
        return new()
        {
            Id = new(IdOrEmpty(row), DeliveryKey.Index(row.Int64(0))),
            Queue = row.Text(18),
            Service = row.Text(19),
            State = waits && row.Int64(3) > now ? DeliveryState.Delayed : state,
            Blocked = waits && row.Bool(LaneColumn),
            Holds = state is DeliveryState.Dead ? row.Int32(LaneColumn) : 0,
            Generation = row.Int32(4),
            CreatedAt = StoreTime.Time(row.Int64(13)),
            DueAt = waits ? StoreTime.Time(row.Int64(3)) : null,
            AttemptCount = row.Int32(5),
            OrderKey = row.TextOrNull(14),
            Kind = row.TextOrNull(6) is { } kind ? Kind(kind) : null,
            Persistence = (Persistence)row.Int32(7),
            Blame = (Blame)row.Int32(8),
            Error = row.TextOrNull(ErrorColumn),
            Decision = row.TextOrNull(11) ?? row.TextOrNull(17),
            DeadAt = state is DeliveryState.Dead && !row.IsNull(DeadAtColumn) ? StoreTime.Time(row.Int64(DeadAtColumn)) : null,
            Suspect = row.Bool(10),
            Group = row.Int64OrNull(26) is { } group ? LetterGroups.Id(group) : null,
            Edits = row.Int32(27),
            Assignee = marks.Assignee,
            Note = marks.Note,
            Parked = marks.Manual,
            TakenBy = holder,
            TakenUntil = holder is null ? null : StoreTime.Time(marks.TakenUntil!.Value),
            Resolved = row.Bool(33),
            Priority = Ranks.Live(row.Int32(34)),
            ExpiresAt = row.Int64OrNull(35) is { } expiry ? StoreTime.Time(expiry) : null,
        };
    }

    /// <summary>The row, or as much of it as can be read: a damaged one must not hide the others of its page.</summary>
    public static DeliverySummary SummaryOrNote(SqliteStatement row, long now)
    {
        try
        {
            return Summary(row, now);
        }
        catch (Exception error) when (error is not SqliteFailure)
        {
            return new()
            {
                Id = new(IdOrEmpty(row), DeliveryKey.Index(row.Int64(0))),
                Queue = row.Text(18),
                Service = row.Text(19),
                State = (DeliveryState)row.Int32(2),
                Generation = row.Int32(4),
                CreatedAt = DateTimeOffset.UnixEpoch,
                AttemptCount = row.Int32(5),
                Error = $"This row could not be read: {error.Message}",
            };
        }
    }

    /// <summary>A kind of a later release, or a damaged one, is shown as unknown.</summary>
    public static FaultKind Kind(string name) => FaultKinds.TryParse(name, out var kind) ? kind : FaultKind.Unknown;

    /// <summary>An id that cannot be read is shown as zeros: the rest of the row still tells what it was.</summary>
    private static Guid IdOrEmpty(SqliteStatement row)
    {
        try
        {
            return row.Guid(IdColumn);
        }
        catch (FormatException)
        {
            return Guid.Empty;
        }
    }
}
