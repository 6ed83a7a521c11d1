namespace Recourse.Sqlite;

/// <summary>What must hold of dead letters, what belongs to them, and replay jobs; see <see cref="StoreInspection"/>.</summary>
internal static class LetterInspection
{
    private const int WithLetters = 3;
    private const int WithReplays = 4;

    private static readonly string[] Letters =
    [
        """
        SELECT 'group ' || printf('%016x', g.fingerprint) || ': it counts ' || g.dead || ' dead; the rows say ' || coalesce(d.dead, 0)
        FROM letter_groups g LEFT JOIN (
          SELECT letter_group, count(*) AS dead FROM deliveries WHERE state = 4 AND letter_group IS NOT NULL GROUP BY letter_group) d
        ON d.letter_group = g.fingerprint WHERE g.dead <> coalesce(d.dead, 0)
        """,
        """
        SELECT 'delivery ' || key || ': its group is missing' FROM deliveries
        WHERE state = 4 AND letter_group IS NOT NULL AND letter_group NOT IN (SELECT fingerprint FROM letter_groups)
        """,
        "SELECT 'delivery ' || key || ': it is dead and has no time of death' FROM deliveries WHERE state = 4 AND ended_at IS NULL",
        """
        SELECT 'deliveries ' || min(key) || ' and ' || max(key) || ': they have the same time of death'
        FROM deliveries WHERE state = 4 GROUP BY ended_at HAVING count(*) > 1
        """,
        """
        SELECT 'search: it knows a letter of the time ' || rowid || ' that is not there' FROM letter_text
        WHERE rowid NOT IN (SELECT ended_at FROM deliveries WHERE state = 4)
        """,
        """
        SELECT 'delivery ' || d.key || ': the search does not know its error' FROM deliveries d
        JOIN attempts a ON a.delivery = d.key AND a.number = d.fault_attempt
        WHERE d.state = 4 AND d.letter_group IS NOT NULL AND a.error <> ''
          AND NOT EXISTS (SELECT 1 FROM letter_text_docsize t WHERE t.id = d.ended_at)
        """,
        "SELECT 'marks of delivery ' || delivery || ': there is no such delivery' FROM letter_marks"
            + " WHERE delivery NOT IN (SELECT key FROM deliveries)",
        "SELECT 'history of delivery ' || delivery || ': there is no such delivery' FROM letter_acts"
            + " WHERE delivery NOT IN (SELECT key FROM deliveries) GROUP BY delivery",
        """
        SELECT 'edited body of delivery ' || b.delivery || ': ' || CASE WHEN d.key IS NULL THEN 'there is no such delivery'
          ELSE 'the delivery does not know that it was edited' END
        FROM letter_bodies b LEFT JOIN deliveries d ON d.key = b.delivery WHERE d.key IS NULL OR d.edits = 0
        """,
        """
        SELECT 'delivery ' || key || ': it was edited and its body is missing' FROM deliveries
        WHERE edits > 0 AND key NOT IN (SELECT delivery FROM letter_bodies)
        """,
    ];

    // Of an ended job the items may be on their way out, a slice in each commit.
    private static readonly string[] Replays =
    [
        """
        SELECT 'replay ' || r.number || ': it counts ' || r.replayed || ' sent, ' || r.delivered || ' delivered, ' || r.dead_again
          || ' dead again; its items say ' || coalesce(i.sent, 0) || ', ' || coalesce(i.delivered, 0) || ', ' || coalesce(i.dead, 0)
        FROM replays r LEFT JOIN (
          SELECT replay, sum(outcome < 3) AS sent, sum(outcome = 1) AS delivered, sum(outcome = 2) AS dead
          FROM replay_items GROUP BY replay) i
        ON i.replay = r.number
        WHERE r.ended_at IS NULL AND (r.replayed <> coalesce(i.sent, 0) OR r.delivered <> coalesce(i.delivered, 0)
          OR r.dead_again <> coalesce(i.dead, 0))
        """,
        """
        SELECT 'replay ' || number || ': more of its letters ended than were sent' FROM replays WHERE delivered + dead_again > replayed
        """,
        "SELECT 'items of replay ' || replay || ': there is no such job' FROM replay_items"
            + " WHERE replay NOT IN (SELECT number FROM replays) GROUP BY replay",
        """
        SELECT 'item of replay ' || i.replay || ' for delivery ' || i.delivery || ': it is open, and the delivery is not on its way'
        FROM replay_items i LEFT JOIN deliveries d ON d.key = i.delivery
        WHERE i.outcome = 0 AND (d.key IS NULL OR d.replay IS NOT i.replay OR d.state NOT IN (0, 2))
        """,
        "SELECT 'control ' || kind || ' of ' || name || ': nobody ordered it' FROM controls WHERE actor = '' OR name = ''",
    ];

    /// <summary>Those that a file of this schema can be asked.</summary>
    public static IEnumerable<string> Rules(long version) =>
        version >= WithReplays ? [.. Letters, .. Replays] : version >= WithLetters ? Letters : [];
}
