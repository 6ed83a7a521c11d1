using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Counts, for each replay job, what became of its letters: in the commit in which it became so.</summary>
internal sealed class ReplayBooks(SqliteDatabase database)
{
    private readonly SqliteStatement _item = database.Prepare(
        "UPDATE replay_items SET outcome = ?3, ended_at = ?4 WHERE replay = ?1 AND delivery = ?2 AND outcome = 0");
    private readonly SqliteStatement _delivered = database.Prepare("UPDATE replays SET delivered = delivered + 1 WHERE number = ?1");
    private readonly SqliteStatement _dead = database.Prepare("UPDATE replays SET dead_again = dead_again + 1 WHERE number = ?1");

    public void Ended(long replay, long key, ReplayOutcome outcome, long now)
    {
        if (_item.Bind(1, replay).Bind(2, key).Bind(3, (long)outcome).Bind(4, now).Run() > 0)
            (outcome is ReplayOutcome.Delivered ? _delivered : _dead).Bind(1, replay).Run();
    }
}
