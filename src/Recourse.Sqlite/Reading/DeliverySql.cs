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
        m.id, m.created_at, m.order_key, d.lane IS NOT NULL AND coalesce((SELECT l.head <> d.key OR l.state <> 0 FROM lanes l WHERE l.id
          = d.lane), 0),
        a.error, a.decision, q.name, s.name, d.key_generation, m.trace_parent, d.started_at, d.duration_ms, d.status, d.node,
        d.rank, d.expires_at
        """;

    /// <summary>Of dead letters in the order of storing, the planner would rather sort all of a queue than walk their index.</summary>
    public const string FromDeadByKey = $"FROM deliveries d INDEXED BY deliveries_dead_key {Joins}";

    public const string From = $"FROM deliveries d {Joins}";

    private const string Joins =
        """
        LEFT JOIN messages m ON m.sequence = d.key >> 8
        LEFT JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt
        LEFT JOIN routes r ON r.id = d.route LEFT JOIN queues q ON q.id = r.queue LEFT JOIN services s ON s.id = r.service
        """;

    public const int DeadAtColumn = 9;
    public const int ErrorColumn = 16;
    public const int IdColumn = 12;

    public static DeliverySummary Summary(SqliteStatement row, long now)
    {
        var state = (DeliveryState)row.Int32(2);
        var waits = state is DeliveryState.Waiting;
        return new()
        {
            Id = new(IdOrEmpty(row), DeliveryKey.Index(row.Int64(0))),
            Queue = row.Text(18),
            Service = row.Text(19),
            State = waits && row.Int64(3) > now ? DeliveryState.Delayed : state,
            Blocked = waits && row.Bool(15),
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
            Priority = Ranks.Live(row.Int32(26)),
            ExpiresAt = row.Int64OrNull(27) is { } expiry ? StoreTime.Time(expiry) : null,
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
