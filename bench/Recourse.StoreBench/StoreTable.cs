using System.Globalization;
using System.Text;
using Recourse.Sqlite;

namespace Recourse.StoreBench;

/// <summary>
/// The store beside the floor, in one process and alternately, on fresh files: stored only, and end to end with and without a history.
/// </summary>
internal static class StoreTable
{
    private sealed record Case(string Name, bool EndToEnd, bool History, bool Apart = false);

    public static async Task RunAsync(int rounds, int scale, string? history, string? output)
    {
        var cases = new List<Case> { new("enqueue", false, true, Apart: true) };
        if (history is null or "on")
            cases.AddRange([new("end to end", true, true), new("the same, claimed apart", true, true, Apart: true)]);
        if (history is null or "off")
            cases.Add(new("end to end, without a history", true, false));
        var folder = Directory.CreateTempSubdirectory("recourse-bench-");
        try
        {
            var table = new StringBuilder();
            table.AppendLine("| in flight | case | floor /s | SQLite store /s | ratio |").AppendLine("|---|---|---|---|---|");
            foreach (var (inFlight, messages) in new[] { (1, 2_000), (8, 10_000), (128, 60_000) })
            {
                var results = cases.ConvertAll(_ => new List<(double Floor, double Store)>());
                // The first round is not counted: in it the runtime compiles, which takes most of one core for some seconds.
                for (var round = 0; round <= rounds; round++)
                {
                    for (var i = 0; i < cases.Count; i++)
                    {
                        var pair = await PairAsync(folder.FullName, cases[i], inFlight, messages * scale);
                        if (round > 0)
                            results[i].Add(pair);
                    }
                }
                for (var i = 0; i < cases.Count; i++)
                    Row(table, inFlight, cases[i].Name, results[i]);
            }
            Console.Write(table);
            if (output is not null)
                await File.WriteAllTextAsync(output, table.ToString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Row(StringBuilder table, int inFlight, string name, List<(double Floor, double Store)> pairs)
    {
        var ratios = pairs.Select(pair => pair.Store / pair.Floor).Order().ToList();
        table.AppendLine(CultureInfo.InvariantCulture,
            $"| {inFlight} | {name} | {Median(pairs.Select(pair => pair.Floor)):N0} | {Median(pairs.Select(pair => pair.Store)):N0} "
            + $"| {Median(ratios):F2} ({ratios[0]:F2} to {ratios[^1]:F2}) |");
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;

    private static async Task<(double Floor, double Store)> PairAsync(string folder, Case each, int inFlight, int messages)
    {
        async Task<double> OneAsync(Func<string, Subject> make)
        {
            var path = Path.Combine(folder, $"{Guid.NewGuid():N}.db");
            double rate;
            await using (var subject = make(path))
            {
                await subject.OpenAsync();
                rate = each.EndToEnd ? (await Driver.EndToEndAsync(subject, messages, inFlight)).EndToEnd
                    : await Driver.EnqueueOnlyAsync(subject, messages, inFlight);
            }
            foreach (var file in Directory.GetFiles(folder, Path.GetFileName(path) + "*"))
                File.Delete(file);
            return rate;
        }
        return (await OneAsync(path => new Floor(path)),
            await OneAsync(path => new StoreSubject("SQLite", () => new SqliteMessageStore(path), each.History, each.Apart)));
    }
}
