using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Makes replay jobs, moves them, and applies their batches: letters, cursor and counts in one commit.</summary>
internal sealed class ReplayWriter(SqliteDatabase database, DeadLetterWriter deadLetters, Letters letters)
{
    private readonly SqliteStatement _start = database.Prepare(
        "INSERT INTO replays (id, request, state, made_at, matched) VALUES (?1, ?2, 0, ?3, ?4) ON CONFLICT (id) DO NOTHING");
    private readonly SqliteStatement _find = database.Prepare($"SELECT {ReplaySql.Columns} FROM replays WHERE id = ?1");
    private readonly SqliteStatement _sent = database.Prepare(
        "UPDATE replays SET cursor = ?2, replayed = replayed + ?3, skipped = skipped + ?4 WHERE number = ?1");
    private readonly SqliteStatement _item = database.Prepare(
        """
        INSERT OR IGNORE INTO replay_items (replay, delivery, message, generation, at, outcome, ended_at, reason)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        """);
    private readonly SqliteStatement _move = database.Prepare(
        """
        UPDATE replays SET state = ?3, state_reason = ?4, ended_at = ?5, canary_judged = max(canary_judged, ?6) WHERE id = ?1 AND state = ?2
        """);

    public bool Apply(StartReplayCommand command, long now) =>
        _start.Bind(1, command.Id).Bind(2, ReplayText.Write(command.Request)).Bind(3, letters.MadeAt(now)).Bind(4, command.Matched).Run() > 0;

    public ReplayBatchResult? Apply(ReplayBatchCommand command, long now)
    {
        if (!_find.Bind(1, command.Id).Step())
            return null;
        var number = _find.Int64(0);
        ReplayJob job;
        try
        {
            job = ReplaySql.Job(_find);
        }
        finally
        {
            _find.Reset();
        }
        if (job.State is not ReplayState.Running || job.Cursor != command.Cursor)
            return null;
        var (replayed, skipped) = (0, 0);
        foreach (var id in command.Letters)
        {
            if (deadLetters.Replay(id, job, number, now) is not { } letter)
            {
                skipped++;
                continue;
            }
            var sent = letter.LeftAlone is null;
            replayed += sent ? 1 : 0;
            skipped += sent ? 0 : 1;
            var outcome = sent ? ReplayOutcome.Pending : ReplayOutcome.Skipped;
            _item.Bind(1, number).Bind(2, letter.Key).Bind(3, id.MessageId).Bind(4, letter.Generation).Bind(5, now).Bind(6, (long)outcome)
                .Bind(7, sent ? null : now).Bind(8, letter.LeftAlone).Run();
        }
        _sent.Bind(1, number).Bind(2, command.Next).Bind(3, replayed).Bind(4, skipped).Run();
        return new(replayed, skipped);
    }

    public bool Apply(MoveReplayCommand command, long now) =>
        _move.Bind(1, command.Id).Bind(2, (long)command.From).Bind(3, (long)command.To).Bind(4, AttemptRules.Shorten(command.Reason))
            .Bind(5, command.To is ReplayState.Completed or ReplayState.Cancelled ? now : null).Bind(6, command.CanaryJudged).Run() > 0;
}
