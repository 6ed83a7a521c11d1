using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Takes a message that has ended out of the file, with all that belongs to it. The books keep its totals.</summary>
internal sealed class Removal(SqliteDatabase database)
{
    private readonly SqliteStatement _attempts = database.Prepare("DELETE FROM attempts WHERE delivery BETWEEN ?1 AND ?2");
    private readonly SqliteStatement _deliveries = database.Prepare(
        "DELETE FROM deliveries WHERE key BETWEEN ?1 AND ?2 RETURNING key, letter_group");
    private readonly SqliteStatement[] _ofLetters =
    [
        database.Prepare("DELETE FROM letter_marks WHERE delivery = ?1"), database.Prepare("DELETE FROM letter_bodies WHERE delivery = ?1"),
        database.Prepare("DELETE FROM letter_acts WHERE delivery = ?1"),
    ];
    private readonly SqliteStatement _messages = database.Prepare("DELETE FROM messages WHERE sequence = ?1");
    private readonly SqliteStatement _held = database.Prepare("DELETE FROM deliveries WHERE key = ?1 AND lease = ?2 AND state = 2");
    private readonly List<long> _letters = [];
    private bool _removed;

    public void Remove(long sequence)
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
        _removed = true;
    }

    /// <summary>The only delivery of its message, in hand for the first time; false when the lease is lost.</summary>
    public bool RemoveHeld(long key, long lease)
    {
        if (_held.Bind(1, key).Bind(2, lease).Run() == 0)
            return false;
        _messages.Bind(1, DeliveryKey.Sequence(key)).Run();
        _removed = true;
        return true;
    }

    /// <summary>Before the commit: numbers and ids go on behind the last that were given out, though their rows are gone.</summary>
    public void WriteMark(EnqueueWriter numbers)
    {
        if (!_removed)
            return;
        numbers.KeepMark();
        _removed = false;
    }

    /// <summary>After a rollback.</summary>
    public void Forget() => _removed = false;
}
