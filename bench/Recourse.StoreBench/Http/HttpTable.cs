using System.Globalization;
using System.Text;

namespace Recourse.StoreBench.Http;

/// <summary>
/// Acknowledged messages per second over HTTP: the relay beside a bare endpoint with the same kind of commit, and both beside that commit
/// without HTTP.
/// </summary>
internal static class HttpTable
{
    private static readonly (int InFlight, int Messages)[] Loads = [(1, 2_000), (8, 10_000), (128, 60_000)];

    public static async Task RunAsync(int rounds, int scale, string? output)
    {
        var folder = Directory.CreateTempSubdirectory("recourse-bench-");
        try
        {
            // Everything once, so that no figure holds a first call's compilation.
            await RoundAsync(folder.FullName, 64, 8_000);
            var table = new StringBuilder();
            table.AppendLine("| in flight | commit without HTTP /s | bare endpoint /s | relay, 202 only /s | ratio to bare | "
                + "ratio to commit | relay, delivering too /s | ratio to bare |");
            table.AppendLine("|---|---|---|---|---|---|---|---|");
            foreach (var (inFlight, messages) in Loads)
            {
                var results = new List<double[]>();
                for (var round = 0; round < rounds; round++)
                    results.Add(await RoundAsync(folder.FullName, inFlight, messages * scale));
                table.AppendLine(Row(inFlight, results));
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

    private static string Row(int inFlight, List<double[]> results)
    {
        double Median(Func<double[], double> of) => results.Select(of).Order().ElementAt(results.Count / 2);
        string Ratio(int of, int to)
        {
            var ratios = results.Select(row => row[of] / row[to]).Order().ToList();
            return string.Create(CultureInfo.InvariantCulture, $"{ratios[results.Count / 2]:F2} ({ratios[0]:F2} to {ratios[^1]:F2})");
        }
        return string.Create(CultureInfo.InvariantCulture,
            $"| {inFlight} | {Median(row => row[0]):N0} | {Median(row => row[1]):N0} | {Median(row => row[2]):N0} | {Ratio(2, 1)} | "
            + $"{Ratio(2, 0)} | {Median(row => row[3]):N0} | {Ratio(3, 1)} |");
    }

    private static async Task<double[]> RoundAsync(string folder, int inFlight, int messages)
    {
        string File() => Path.Combine(folder, $"{Guid.NewGuid():N}.db");
        await using var floor = new Floor(File());
        await floor.OpenAsync();
        return
        [
            await Driver.EnqueueOnlyAsync(floor, messages, inFlight),
            await PostAsync(await BareServer.StartAsync(File()), messages, inFlight),
            await PostAsync(await RelayServer.StartAsync(File(), delivers: false), messages, inFlight),
            await PostAsync(await RelayServer.StartAsync(File(), delivers: true), messages, inFlight),
        ];
    }

    private static async Task<double> PostAsync(IHttpSubject subject, int messages, int connections)
    {
        await using (subject)
            return await HttpLoad.RunAsync(subject.Address, subject.Path, messages, connections);
    }
}
