using Npgsql;
using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>What a claim took, as its statement gives it back.</summary>
/// <param name="Claimed">For the attempt.</param>
/// <param name="Due">How it was to be weighed among others.</param>
/// <param name="IsEdited">Its body is one that a person gave it: see <see cref="Edited"/>.</param>
/// <param name="IsPlain">See <see cref="InHand.Delivery"/>.</param>
internal readonly record struct ClaimedRow(ClaimedDelivery Claimed, DueDelivery Due, bool IsEdited, bool IsPlain)
{
    /// <summary>How many columns of <c>taken</c> come before any other.</summary>
    public const int Columns = 25;

    public long Key => Due.Key;

    /// <summary>
    /// Says as <c>taken</c> what <see cref="Read"/> reads. Parameters: the time, whether they run alone, the node's name and its number.
    /// </summary>
    /// <param name="keys">Which deliveries, as SQL.</param>
    /// <param name="lease">The fence, as SQL.</param>
    public static string Taken(string keys, string lease) =>
        $"""
        taken AS (
          UPDATE deliveries d SET state = 2, lease = {lease}, attempts = d.attempts + 1, alone = $2, node = $3,
            claimed_at = {Moment.InSql}, holder = $4
          FROM messages m WHERE d.key = ANY ({keys}) AND d.state < 2 AND m.sequence = d.key >> 8
          RETURNING d.key, d.attempts, d.attempts_before, d.message_faults, d.unknown_faults, d.last_delay_ms, d.generation,
            d.generation_at, d.key_generation, d.suspect, d.crashes_alone, m.id, m.created_at, m.order_key, m.content_type,
            m.headers, m.trace_parent, m.body, m.queue, d.service, d.rank, d.edits,
            m.services = 1 AND d.lane IS NULL AND d.replay IS NULL, d.lane, d.due_at)
        """;

    public static ClaimedRow Read(NpgsqlDataReader row, long lease, long now) => new(
        Whole(row, lease, now), new(row.GetInt64(24), row.GetInt64(0), row.Int64OrNull(23), row.GetInt16(20), row.GetString(18)),
        row.GetInt32(21) > 0, row.GetBoolean(22));

    /// <summary>With the body that a person gave it in place of the one that came in.</summary>
    public ClaimedDelivery Edited(Sql sql)
    {
        if (Claimed.Unreadable is not null)
            return Claimed;
        var edited = sql.Read(
            "SELECT content_type, body FROM letter_bodies WHERE delivery = $1",
            row => (Type: row.TextOrNull(0), Body: row.GetFieldValue<byte[]>(1)), Key);
        return edited is [var (type, body)] ? Claimed with { ContentType = type, Body = body }
            : Unreadable(Claimed, "its edited body is not there");
    }

    // A row that cannot be read must not stop the rows behind it. It is claimed like them, and its attempt fails without the handler: so
    // the letters are locked in their order, which a claim does not do.
    private static ClaimedDelivery Whole(NpgsqlDataReader row, long lease, long now)
    {
        var claimed = Bare(row, lease, now);
        try
        {
            var created = StoreTime.Time(row.GetInt64(12));
            return claimed with
            {
                CreatedAt = created,
                GenerationAt = row.Int64OrNull(7) is { } began ? StoreTime.Time(began) : created,
                ContentType = row.TextOrNull(14),
                Headers = HeaderText.Read(row.TextOrNull(15)),
                Body = row.GetFieldValue<byte[]>(17),
            };
        }
        catch (Exception error) when (error is FormatException or ArithmeticException)
        {
            return Unreadable(claimed, error.Message);
        }
    }

    private static ClaimedDelivery Unreadable(ClaimedDelivery claimed, string why) =>
        claimed with { ContentType = null, Headers = null, Body = default, Unreadable = $"The stored row cannot be read: {why}" };

    /// <summary>What the types of the columns vouch for.</summary>
    private static ClaimedDelivery Bare(NpgsqlDataReader row, long lease, long now)
    {
        var id = new DeliveryId(row.GetGuid(11), DeliveryKey.Index(row.GetInt64(0)));
        var time = StoreTime.Time(now);
        return new()
        {
            Id = id,
            Lease = lease,
            Queue = row.GetString(18),
            Service = row.GetString(19),
            Attempt = row.GetInt32(1),
            AttemptInGeneration = row.GetInt32(1) - row.GetInt32(2),
            MessageFaults = row.GetInt32(3),
            UnknownFaults = row.GetInt32(4),
            LastDelayMs = row.GetInt64(5),
            Generation = row.GetInt32(6),
            CreatedAt = time,
            GenerationAt = time,
            ClaimedAt = time,
            Suspect = row.GetBoolean(9),
            CrashesAlone = row.GetInt32(10),
            Bulk = Ranks.IsBulk(row.GetInt16(20)),
            IdempotencyKey = AttemptRules.IdempotencyKey(id.MessageId, row.GetInt32(8)),
            OrderKey = row.TextOrNull(13),
            TraceParent = row.TextOrNull(16),
            Body = default,
        };
    }
}
