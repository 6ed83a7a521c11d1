using System.Globalization;
using Recourse.Durable;
using Recourse.Postgres;
using Recourse.Sqlite;
using Recourse.StoreBench;
using Recourse.StoreBench.Http;

// storebench [--rounds 3] [--scale 1] [--history on|off] [--out FILE]   the table against the floor, all in one run; both by default
// storebench --waiting N --file PATH                                    a file in which so many messages wait
// storebench --letters 1000000 [--rounds 100] [--file PATH] [--out FILE]   lists, searches and groups over so many dead letters
// storebench http [--rounds 3] [--scale 1] [--out FILE]                 acknowledged messages per second over HTTP, against a bare endpoint
// storebench --store sqlite:FILE | memory | postgres:CONNECTION --messages N --in-flight P [--history on|off]
//                                                                       one subject, send/s and end-to-end/s
// storebench postgres --server CONNECTION [--rounds 3] [--scale 1] [--in-flight 1 | 8 | 128] [--nodes 1] [--out FILE]
//                                                                       one node and three against a floor
// storebench --replay 250000 [--store …] [--out FILE]                   replay jobs: unlimited, and how well rates are kept
string? Option(string name) => Array.IndexOf(args, name) is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

if (args is ["http", ..])
    await HttpTable.RunAsync(Number("--rounds", 3), Number("--scale", 1), Option("--out"));
else if (args is ["postgres", ..])
    await PostgresTable.RunAsync(Option("--server") ?? throw new ArgumentException("postgres needs --server CONNECTION."),
        Number("--rounds", 3), Number("--scale", 1), Option("--in-flight") is null ? null : Number("--in-flight", 0),
        Number("--nodes", 3), Option("--out"));
else if (Option("--letters") is not null)
    await LetterBench.RunAsync(Number("--letters", 1_000_000), Number("--rounds", 100), Option("--file"), Option("--out"));
else if (Option("--replay") is { } letters)
    await ReplayAsync(Option("--store"), int.Parse(letters, CultureInfo.InvariantCulture), Option("--out"));
else if (Option("--waiting") is not null)
    await FillAsync(Option("--file") ?? throw new ArgumentException("--waiting needs --file PATH."), Number("--waiting", 0));
else if (Option("--store") is { } spec)
    await OneAsync(spec, Number("--messages", 20_000), Number("--in-flight", 8), Option("--history") != "off");
else
    await StoreTable.RunAsync(Number("--rounds", 3), Number("--scale", 1), Option("--history"), Option("--out"));
return 0;

static async Task OneAsync(string spec, int messages, int inFlight, bool history)
{
    await using var subject = new StoreSubject(spec, () => Make(spec), history);
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

// The bodies of messages that wait are what a relay of that size would have: 500 bytes.
static async Task FillAsync(string path, int waiting)
{
    await using var store = new SqliteMessageStore(path);
    await store.OpenAsync();
    var message = new NewMessage { Queue = "queue", Services = ["service"], Body = new byte[500], ContentType = "application/json" };
    for (var stored = 0; stored < waiting; stored += 1_000)
    {
        await Task.WhenAll(Enumerable.Range(0, Math.Min(1_000, waiting - stored))
            .Select(_ => store.CommitAsync(new EnqueueCommand(message)).AsTask()));
    }
}
