using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Removes finished messages and expired idempotency keys, a bounded slice at a time. The books keep their totals.</summary>
internal sealed class PruneWriter(SqliteDatabase database, EnqueueWriter numbers)
{
    private readonly SqliteStatement _old = database.Prepare(
        "SELECT key FROM deliveries WHERE prunable_at <= ?1 ORDER BY prunable_at, key LIMIT ?2");
    private readonly SqliteStatement _mark = database.Prepare("UPDATE owner SET sequence = ?1, last_id = ?2 WHERE id = 1");
    private readonly SqliteStatement _attempts = database.Prepare("DELETE FROM attempts WHERE delivery BETWEEN ?1 AND ?2");
    private readonly SqliteStatement _deliveries = database.Prepare(
        "DELETE FROM deliveries WHERE key BETWEEN ?1 AND ?2 RETURNING key, letter_group");
    private readonly SqliteStatement[] _ofLetters =
    [
        database.Prepare("DELETE FROM letter_marks WHERE delivery = ?1"), database.Prepare("DELETE FROM letter_bodies WHERE delivery = ?1"),
        database.Prepare("DELETE FROM letter_acts WHERE delivery = ?1"),
    ];
    private readonly SqliteStatement _messages = database.Prepare("DELETE FROM messages WHERE sequence = ?1");
    private readonly SqliteStatement _keys = database.Prepare(
        """
        DELETE FROM idempotency WHERE (queue, key) IN (SELECT queue, key FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at
          LIMIT ?2)
        """);
    private readonly List<long> _slice = [];
    private readonly List<long> _letters = [];

    public int Apply(PruneCommand command, long now)
    {
        _slice.Clear();
        _old.Bind(1, now - (long)command.OlderThan.TotalMicroseconds).Bind(2, command.Limit);
        while (_old.Step())
            _slice.Add(DeliveryKey.Sequence(_old.Int64(0)));
        if (_slice.Count > 0)
            _mark.Bind(1, numbers.LastSequence).Bind(2, numbers.LastId).Run();
        foreach (var sequence in _slice)
        {
            var first = DeliveryKey.Of(sequence, 0);
            var last = first + DeliveryKey.ServicesMax - 1;
            _attempts.Bind(1, first).Bind(2, last).Run();
            _letters.Clear();
            _deliveries.Bind(1, first).Bind(2, last);
            while (_deliveries.Step())
            {
                // Only what has died once can have anything beside its row.
                if (!_deliveries.IsNull(1))
                    _letters.Add(_deliveries.Int64(0));
            }
            foreach (var letter in _letters)
            {
                foreach (var statement in _ofLetters)
                    statement.Bind(1, letter).Run();
            }
            _messages.Bind(1, sequence).Run();
        }
        _keys.Bind(1, now).Bind(2, command.Limit).Run();
        return _slice.Count;
    }
}
