using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Makes replay jobs, moves them, and applies their batches: letters, cursor and counts in one transaction.</summary>
internal sealed class ReplayWriter(DeadLetterWriter letters)
{
    private readonly record struct Found(DeadLetterWriter.Letter Letter, Guid Message, int Generation, bool Dead);

    public static bool Apply(Sql sql, StartReplayCommand command, long now) => sql.Run(
        "INSERT INTO replays (id, request, state, made_at, matched) VALUES ($1, $2, 0, $3, $4) ON CONFLICT (id) DO NOTHING",
        command.Id, ReplayText.Write(command.Request), now, command.Matched) > 0;

    public ReplayBatchResult? Apply(Sql sql, ReplayBatchCommand command, long now)
    {
        var jobs = sql.Read($"SELECT {ReplaySql.Columns} FROM replays WHERE id = $1 FOR UPDATE", row =>
            (Number: row.GetInt64(0), Job: ReplaySql.Job(row)), command.Id);
        if (jobs is not [var (number, job)] || job.State is not ReplayState.Running || job.Cursor != command.Cursor)
            return null;
        var found = sql.Read(
            """
            SELECT d.key, d.route, d.lane, m.order_key, d.service, d.rank, m.id, d.generation,
              d.state = 4 AND coalesce(d.ended_at, 0) <= $1
            FROM unnest($2::uuid[], $3::integer[]) WITH ORDINALITY AS l (id, place, n) JOIN messages m ON m.id = l.id
            JOIN deliveries d ON d.key = m.sequence * 256 + l.place ORDER BY l.n FOR UPDATE OF d
            """,
            row => new Found(
                new(row.GetInt64(0), row.GetInt32(1), row.Int64OrNull(2), row.TextOrNull(3), row.GetString(4),
                    (short)Ranks.Bulk(row.GetInt16(5))),
                row.GetGuid(6), row.GetInt32(7), row.GetBoolean(8)),
            StoreTime.Micros(job.MadeAt), command.Letters.Select(letter => letter.MessageId).ToList(),
            command.Letters.Select(letter => letter.Index).ToList());
        var dead = found.Where(letter => letter.Dead).Select(letter => letter.Letter).ToList();
        if (dead.Count > 0)
            letters.Replay(sql, dead, number, job.Request.Key, AttemptRules.Act("replay", job.Request.Actor, job.Request.Reason), now);
        sql.Run(
            """
            INSERT INTO replay_items (replay, delivery, message, generation, at, outcome, ended_at)
            SELECT $1, key, message, generation, $2, outcome, CASE WHEN outcome = 3 THEN $2 END
            FROM unnest($3::bigint[], $4::uuid[], $5::integer[], $6::smallint[]) AS i (key, message, generation, outcome)
            ON CONFLICT DO NOTHING
            """, number, now, found.ConvertAll(letter => letter.Letter.Key), found.ConvertAll(letter => letter.Message),
            found.ConvertAll(letter => letter.Dead ? letter.Generation + 1 : letter.Generation),
            found.ConvertAll(letter => (short)(letter.Dead ? ReplayOutcome.Pending : ReplayOutcome.Skipped)));
        var skipped = command.Letters.Count - dead.Count;
        sql.Run("UPDATE replays SET cursor = $2, replayed = replayed + $3, skipped = skipped + $4 WHERE number = $1",
            number, command.Next, dead.Count, skipped);
        return new(dead.Count, skipped);
    }

    public static bool Apply(Sql sql, MoveReplayCommand command, long now) => sql.Run(
        """
        UPDATE replays SET state = $3, state_reason = $4, ended_at = $5::bigint, canary_judged = canary_judged OR $6
        WHERE id = $1 AND state = $2
        """, command.Id, (short)command.From, (short)command.To, AttemptRules.Shorten(command.Reason),
        command.To is ReplayState.Completed or ReplayState.Cancelled ? now : null, command.CanaryJudged) > 0;
}
