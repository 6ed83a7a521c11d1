using System.Globalization;
using System.Text;
using Recourse.Durable;
using Recourse.Postgres;
using Recourse.Sqlite;
using Recourse.StoreBench;
using Recourse.StoreBench.Http;

// storebench [--rounds 3] [--scale 1] [--out FILE]                      the table against the floor, all in one run
// storebench --letters 1000000 [--rounds 100] [--file PATH] [--out FILE]   lists, searches and groups over so many dead letters
// storebench http [--rounds 3] [--scale 1] [--out FILE]                 acknowledged messages per second over HTTP, against a bare endpoint
// storebench --store sqlite:FILE | memory | postgres:CONNECTION --messages N --in-flight P   one subject, send/s and end-to-end/s
// storebench --replay 250000 [--store …] [--out FILE]                   replay jobs: unlimited, and how well rates are kept
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

if (args is ["http", ..])
    await HttpTable.RunAsync(Number("--rounds", 3), Number("--scale", 1), Option("--out"));
else if (Option("--letters") is not null)
    await LetterBench.RunAsync(Number("--letters", 1_000_000), Number("--rounds", 100), Option("--file"), Option("--out"));
else if (Option("--replay") is { } letters)
    await ReplayAsync(Option("--store"), int.Parse(letters, CultureInfo.InvariantCulture), Option("--out"));
else if (Option("--store") is { } spec)
    await OneAsync(spec, Number("--messages", 20_000), Number("--in-flight", 8));
else
    await TableAsync(Number("--rounds", 3), Number("--scale", 1), Option("--out"));
return 0;

static async Task OneAsync(string spec, int messages, int inFlight)
{
    await using var subject = new StoreSubject(spec, () => Make(spec));
    await subject.OpenAsync();
    var (send, endToEnd) = await Driver.EndToEndAsync(subject, messages, inFlight);
    Console.WriteLine($"{spec}: {messages} messages of 500 bytes, {inFlight} in flight: {send:F0} send/s, {endToEnd:F0} end-to-end/s");
}

static MessageStore Make(string spec) => spec.Split(':', 2) switch
{
    ["memory"] => new InMemoryMessageStore(),
    ["sqlite", var path] => new SqliteMessageStore(path),
    ["postgres", var connection] => new PostgresMessageStore(connection),
    _ => throw new ArgumentException($"--store is '{spec}'; it must be memory, sqlite:FILE or postgres:CONNECTION."),
};

static async Task ReplayAsync(string? spec, int letters, string? output)
{
    if (spec is not null)
    {
        await ReplayBench.RunAsync(() => Make(spec), spec.Split(':')[0], letters, output);
        return;
    }
    var folder = Directory.CreateTempSubdirectory("recourse-bench-");
    try
    {
        await ReplayBench.RunAsync(() => new SqliteMessageStore(Path.Combine(folder.FullName, "replay.db")), "SQLite", letters, output);
    }
    finally
    {
        folder.Delete(recursive: true);
    }
}

static async Task TableAsync(int rounds, int scale, string? output)
{
    var folder = Directory.CreateTempSubdirectory("recourse-bench-");
    try
    {
        // Everything once, so that no figure holds a first call's compilation.
        await RunAsync(folder.FullName, 64, 5_000);
        var table = new StringBuilder();
        table.AppendLine("| in flight | case | floor /s | SQLite store /s | ratio |").AppendLine("|---|---|---|---|---|");
        foreach (var (inFlight, messages) in new[] { (1, 2_000), (8, 10_000), (128, 60_000) })
        {
            var results = new List<double[]>();
            for (var round = 0; round < rounds; round++)
                results.Add(await RunAsync(folder.FullName, inFlight, messages * scale));
            double Median(int column) => results.Select(row => row[column]).Order().ElementAt(rounds / 2);
            void Row(string name, int floor, int store)
            {
                var ratios = results.Select(row => row[store] / row[floor]).Order().ToList();
                var ratio = string.Create(CultureInfo.InvariantCulture, $"{ratios[rounds / 2]:F2} ({ratios[0]:F2} to {ratios[^1]:F2})");
                table.AppendLine(
                    CultureInfo.InvariantCulture, $"| {inFlight} | {name} | {Median(floor):N0} | {Median(store):N0} | {ratio} |");
            }
            Row("enqueue", 0, 1);
            Row("enqueue + claim + complete", 2, 3);
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

static async Task<double[]> RunAsync(string folder, int inFlight, int messages)
{
    var results = new double[4];
    for (var i = 0; i < 4; i++)
    {
        var path = Path.Combine(folder, $"{Guid.NewGuid():N}.db");
        await using (Subject subject = i % 2 == 0 ? new Floor(path) : new StoreSubject("SQLite", () => new SqliteMessageStore(path)))
        {
            await subject.OpenAsync();
            results[i] = i < 2
                ? await Driver.EnqueueOnlyAsync(subject, messages, inFlight)
                : (await Driver.EndToEndAsync(subject, messages, inFlight)).EndToEnd;
        }
        foreach (var file in Directory.GetFiles(folder, Path.GetFileName(path) + "*"))
            File.Delete(file);
    }
    return results;
}
