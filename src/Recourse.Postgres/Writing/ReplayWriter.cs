using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>Makes replay jobs, moves them, and applies their batches: letters, cursor and counts in one transaction.</summary>
internal sealed class ReplayWriter(DeadLetterWriter deadLetters, Letters letters)
{
    private readonly record struct Turn(Letter Letter, string? LeftAlone)
    {
        public int Generation => LeftAlone is null ? Letter.Generation + 1 : Letter.Generation;

        public short Outcome => (short)(LeftAlone is null ? ReplayOutcome.Pending : ReplayOutcome.Skipped);
    }

    public bool Apply(Sql sql, StartReplayCommand command, long now) => sql.Run(
        "INSERT INTO replays (id, request, state, made_at, matched) VALUES ($1, $2, 0, $3, $4) ON CONFLICT (id) DO NOTHING",
        command.Id, ReplayText.Write(command.Request), letters.MadeAt(now), command.Matched) > 0;

    public ReplayBatchResult? Apply(Sql sql, ReplayBatchCommand command, long now)
    {
        var jobs = sql.Read($"SELECT {ReplaySql.Columns} FROM replays WHERE id = $1 FOR UPDATE", row =>
            (Number: row.GetInt64(0), Job: ReplaySql.Job(row)), command.Id);
        if (jobs is not [var (number, job)] || job.State is not ReplayState.Running || job.Cursor != command.Cursor)
            return null;
        var (request, madeAt) = (job.Request, StoreTime.Micros(job.MadeAt));
        var turns = letters.Find(sql, command.Letters, request.Actor, now).ConvertAll(found => new Turn(
            found.Letter, LetterRules.LeftAlone(found.Outcome, found.Letter.DiedAt, madeAt, found.Letter.Marks.TakenBy)));
        var sent = turns.Where(turn => turn.LeftAlone is null).Select(turn => turn.Letter).ToList();
        if (sent.Count > 0)
            deadLetters.Replay(sql, sent, number, request.Key, request.Actor, request.Reason, now);
        sql.Later(
            """
            INSERT INTO replay_items (replay, delivery, message, generation, at, outcome, ended_at, reason)
            SELECT $1, key, message, generation, $2, outcome, CASE WHEN outcome = 3 THEN $2 END, reason
            FROM unnest($3::bigint[], $4::uuid[], $5::integer[], $6::smallint[], $7::text[])
              AS i (key, message, generation, outcome, reason)
            ON CONFLICT DO NOTHING
            """, number, now, turns.ConvertAll(turn => turn.Letter.Key), turns.ConvertAll(turn => turn.Letter.Message),
            turns.ConvertAll(turn => turn.Generation), turns.ConvertAll(turn => turn.Outcome), turns.ConvertAll(turn => turn.LeftAlone));
        var skipped = command.Letters.Count - sent.Count;
        sql.Later("UPDATE replays SET cursor = $2, replayed = replayed + $3, skipped = skipped + $4 WHERE number = $1",
            number, command.Next, sent.Count, skipped);
        return new(sent.Count, skipped);
    }

    public static int Apply(Sql sql, PruneReplaysCommand command, long now)
    {
        if (sql.Scalar(
            "SELECT number FROM replays WHERE ended_at < $1 AND number < (SELECT max(number) FROM replays) ORDER BY number LIMIT 1",
            now - (long)command.OlderThan.TotalMicroseconds) is not long number)
            return 0;
        var items = sql.Run(
            """
            DELETE FROM replay_items WHERE replay = $1
              AND delivery IN (SELECT delivery FROM replay_items WHERE replay = $1 ORDER BY delivery LIMIT $2)
            """, number, command.Limit);
        return items == command.Limit ? items : items + sql.Run("DELETE FROM replays WHERE number = $1", number);
    }

    public static bool Apply(Sql sql, MoveReplayCommand command, long now) => sql.Run(
        """
        UPDATE replays SET state = $3, state_reason = $4, ended_at = $5::bigint, canary_judged = canary_judged OR $6
        WHERE id = $1 AND state = $2
        """, command.Id, (short)command.From, (short)command.To, AttemptRules.Shorten(command.Reason),
        command.To is ReplayState.Completed or ReplayState.Cancelled ? now : null, command.CanaryJudged) > 0;
}
