using Recourse.Durable;

namespace Recourse.Sqlite;

/// <summary>Groups and sums of dead letters: the groups are few, whatever the number of letters; ages are ranges of one index.</summary>
internal static class GroupReader
{
    public static List<LetterGroup> All(ReadConnection read)
    {
        var row = read[
            """
            SELECT fingerprint, service, kind, code, template, sample, dead, total, first_seen, last_seen FROM letter_groups WHERE dead > 0
            """];
        var groups = new List<LetterGroup>();
        while (row.Step())
            groups.Add(Letters.Read(row));
        return groups;
    }

    public static DeadLetterStats Stats(ReadConnection read, long now)
    {
        var total = read["SELECT sum(dead) FROM routes"].Scalar() ?? 0;
        var oldest = read["SELECT min(ended_at) FROM deliveries WHERE state = 4"].Scalar();
        return LetterStats.Of(All(read), now, total, (since, until) =>
            read["SELECT count(*) FROM deliveries WHERE state = 4 AND ended_at >= ?1 AND ended_at < ?2"].Bind(1, since).Bind(2, until)
                .Scalar() ?? 0, oldest);
    }
}
