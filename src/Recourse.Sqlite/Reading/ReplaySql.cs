using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>The columns of replay jobs, their letters and controls, and how rows become them.</summary>
internal static class ReplaySql
{
    public const string Columns =
        """
        number, id, request, state, state_reason, made_at, ended_at, matched, replayed, skipped, delivered, dead_again,
        canary_judged, cursor
        """;

    public const string Items = "SELECT delivery, message, generation, at, outcome, ended_at, reason FROM replay_items";

    public const string Controls = "SELECT kind, name, actor, reason, since FROM controls ORDER BY kind, name";

    public static ReplayJob Job(SqliteStatement row) => new()
    {
        Id = row.Guid(1),
        Request = ReplayText.Read(row.Text(2)),
        State = (ReplayState)row.Int32(3),
        StateReason = row.TextOrNull(4),
        MadeAt = StoreTime.Time(row.Int64(5)),
        EndedAt = row.Int64OrNull(6) is { } ended ? StoreTime.Time(ended) : null,
        Matched = row.Int64(7),
        Replayed = row.Int64(8),
        Skipped = row.Int64(9),
        Delivered = row.Int64(10),
        DeadAgain = row.Int64(11),
        CanaryJudged = row.Bool(12),
        Cursor = row.TextOrNull(13),
    };

    public static ReplayItem Item(SqliteStatement row) => new(
        new(row.Guid(1), DeliveryKey.Index(row.Int64(0))), row.Int32(2), StoreTime.Time(row.Int64(3)), (ReplayOutcome)row.Int32(4),
        row.Int64OrNull(5) is { } ended ? StoreTime.Time(ended) : null)
    { Reason = row.TextOrNull(6) };

    public static List<Control> ReadControls(SqliteStatement row)
    {
        var controls = new List<Control>();
        while (row.Step())
        {
            // A kind of a later release holds what this one does not know; it must not keep the store from opening.
            if (Enum.TryParse<ControlKind>(row.Text(0), out var kind))
                controls.Add(new(kind, row.Text(1), row.Text(2), row.TextOrNull(3), StoreTime.Time(row.Int64(4))));
        }
        return controls;
    }
}
