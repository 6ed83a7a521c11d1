using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>The columns that a delivery is shown from, and how a row becomes one.</summary>
internal static class DeliverySql
{
    public const string Columns =
        """
        d.key, d.state, d.due_at, d.generation, d.attempts, d.kind, d.persistence, d.blame, d.ended_at, d.suspect, d.decision,
        m.id, m.created_at, m.order_key,
        CASE WHEN d.lane IS NULL THEN 0
             WHEN d.state = 4 THEN (SELECT count(*)::integer FROM
               (SELECT 1 FROM deliveries f WHERE f.lane = d.lane AND f.key > d.key AND f.state = 0 LIMIT 10000) held)
             WHEN l.head <> d.key OR l.state <> 0 THEN 1 ELSE 0 END,
        a.error, a.decision, r.queue, d.service,
        d.key_generation, m.trace_parent, d.started_at, d.duration_ms, d.status, d.node,
        d.letter_group, d.edits, k.assignee, k.note, coalesce(k.manual, false), k.taken_by, k.taken_until, k.resolved_at IS NOT NULL,
        d.rank, d.expires_at
        """;

    public const string From =
        """
        FROM deliveries d JOIN messages m ON m.sequence = d.key >> 8 JOIN routes r ON r.id = d.route
        LEFT JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt LEFT JOIN lanes l ON l.id = d.lane
        LEFT JOIN letter_marks k ON k.delivery = d.key
        """;

    public const int EndedAtColumn = 8;
    // Of what waits: whether its lane holds it back; of a dead letter: how many of its lane wait for it (PageCursor.HoldsMax at most).
    private const int LaneColumn = 14;

    /// <summary>A delivery without its history, which is read after: one connection runs one statement at a time.</summary>
    internal sealed record Unread(long Key, DeliverySummary Summary, Attempt? Delivered, string? TraceParent, int KeyGeneration)
    {
        public StoredDelivery With(List<Attempt> attempts, IReadOnlyList<LetterAct> acts)
        {
            if (Delivered is not null)
                attempts.Add(Delivered);
            return new(Summary, attempts, TraceParent, AttemptRules.IdempotencyKey(Summary.Id.MessageId, KeyGeneration))
            {
                Acts = acts,
            };
        }
    }

    public static Unread Stored(NpgsqlDataReader row, long now)
    {
        var summary = Summary(row, now);
        var delivered = summary.State is not DeliveryState.Delivered ? null : new Attempt
        {
            Number = summary.AttemptCount,
            Generation = summary.Generation,
            StartedAt = StoreTime.Time(row.GetInt64(21)),
            DurationMs = row.Int64OrNull(22),
            Outcome = AttemptRules.Delivered,
            Applied = Applied.Yes,
            Status = row.TextOrNull(23),
            Node = row.TextOrNull(24),
        };
        return new(row.GetInt64(0), summary, delivered, row.TextOrNull(20), row.GetInt32(19));
    }

    public static DeliverySummary Summary(NpgsqlDataReader row, long now)
    {
        var state = (DeliveryState)row.GetInt16(1);
        var waits = state is DeliveryState.Waiting;
        var marks = new LetterMarks(
            row.TextOrNull(27), row.TextOrNull(28), row.GetBoolean(29), row.TextOrNull(30), row.Int64OrNull(31));
        var holder = marks.HolderAt(now);
        return new()
        {
            Id = new(row.GetGuid(11), DeliveryKey.Index(row.GetInt64(0))),
            Queue = row.GetString(17),
            Service = row.GetString(18),
            State = waits && row.GetInt64(2) > now ? DeliveryState.Delayed : state,
            Blocked = waits && row.GetInt32(LaneColumn) != 0,
            Holds = state is DeliveryState.Dead ? row.GetInt32(LaneColumn) : 0,
            Generation = row.GetInt32(3),
            CreatedAt = StoreTime.Time(row.GetInt64(12)),
            DueAt = waits ? StoreTime.Time(row.GetInt64(2)) : null,
            AttemptCount = row.GetInt32(4),
            OrderKey = row.TextOrNull(13),
            Kind = row.TextOrNull(5) is { } kind ? Kind(kind) : null,
            Persistence = (Persistence)row.GetInt32(6),
            Blame = (Blame)row.GetInt32(7),
            Error = row.TextOrNull(15),
            Decision = row.TextOrNull(10) ?? row.TextOrNull(16),
            DeadAt = state is DeliveryState.Dead && row.Int64OrNull(EndedAtColumn) is { } died ? StoreTime.Time(died) : null,
            Suspect = row.GetBoolean(9),
            Group = row.Int64OrNull(25) is { } group ? LetterGroups.Id(group) : null,
            Edits = row.GetInt32(26),
            Assignee = marks.Assignee,
            Note = marks.Note,
            Parked = marks.Manual,
            TakenBy = holder,
            TakenUntil = holder is null ? null : StoreTime.Time(marks.TakenUntil!.Value),
            Resolved = row.GetBoolean(32),
            Priority = Ranks.Live(row.GetInt16(33)),
            ExpiresAt = row.Int64OrNull(34) is { } expiry ? StoreTime.Time(expiry) : null,
        };
    }

    /// <summary>The row, or as much of it as can be read: a damaged one must not hide the others of its page.</summary>
    public static DeliverySummary SummaryOrNote(NpgsqlDataReader row, long now)
    {
        try
        {
            return Summary(row, now);
        }
        catch (Exception error) when (error is ArithmeticException or ArgumentException or FormatException or InvalidCastException)
        {
            return new()
            {
                Id = new(row.GetGuid(11), DeliveryKey.Index(row.GetInt64(0))),
                Queue = row.GetString(17),
                Service = row.GetString(18),
                State = (DeliveryState)row.GetInt16(1),
                Generation = row.GetInt32(3),
                CreatedAt = DateTimeOffset.UnixEpoch,
                AttemptCount = row.GetInt32(4),
                Error = $"This row could not be read: {error.Message}",
            };
        }
    }

    public static List<Attempt> Attempts(Sql sql, long delivery) => sql.Read(
        """
        SELECT number, generation, started_at, duration_ms, outcome, kind, applied, status, error, node, decision
        FROM attempts WHERE delivery = $1 ORDER BY number
        """,
        row => new Attempt
        {
            Number = row.GetInt32(0),
            Generation = row.GetInt32(1),
            StartedAt = StoreTime.Time(row.GetInt64(2)),
            DurationMs = row.Int64OrNull(3),
            Outcome = row.GetString(4),
            Kind = row.TextOrNull(5) is { } kind ? Kind(kind) : null,
            Applied = (Applied)row.GetInt32(6),
            Status = row.TextOrNull(7),
            Error = row.TextOrNull(8),
            Node = row.TextOrNull(9),
            Decision = row.TextOrNull(10),
        }, delivery);

    private static FaultKind Kind(string name) => FaultKinds.TryParse(name, out var kind) ? kind : FaultKind.Unknown;
}
