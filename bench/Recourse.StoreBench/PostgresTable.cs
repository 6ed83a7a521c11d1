using System.Globalization;
using System.Text;
using Npgsql;
using Recourse.Postgres;

namespace Recourse.StoreBench;

/// <summary>
/// One node, then three on one database, beside the floor, in one process and alternately, each on a fresh database of a server that is
/// given; with the commits that the server counted for each message.
/// </summary>
internal static class PostgresTable
{
    private static readonly TimeSpan StatisticsSettle = TimeSpan.FromSeconds(2);
    private static int _databases;

    private sealed record Figure(double Rate, double Commits);

    public static async Task RunAsync(string server, int rounds, int scale, int? only, int nodes, string? output)
    {
        (string Name, Func<string, Subject> Make)[] subjects =
        [
            ("floor", connection => new PostgresFloor(connection)),
            ("one node", connection => new NodesSubject(connection, 1)),
            ("one node, claimed apart", connection => new NodesSubject(connection, 1, apart: true)),
            ("three nodes", connection => new NodesSubject(connection, 3)),
        ];
        subjects = nodes == 1 ? subjects[..3] : subjects;
        var table = new StringBuilder();
        table.AppendLine("| in flight | | end to end /s | of the floor | commits a message |").AppendLine("|---|---|---|---|---|");
        foreach (var (inFlight, messages) in new[] { (1, 3_000), (8, 10_000), (128, 40_000) })
        {
            if (only is { } one && inFlight != one)
                continue;
            var figures = subjects.Select(_ => new List<Figure>()).ToList();
            // The first round is not counted: in it the runtime compiles, which takes most of one core for some seconds.
            for (var round = 0; round <= rounds; round++)
            {
                for (var i = 0; i < subjects.Length; i++)
                {
                    var figure = await OneAsync(server, subjects[i].Make, inFlight, messages * scale);
                    if (round == 0)
                        continue;
                    figures[i].Add(figure);
                    await Console.Error.WriteLineAsync(string.Create(
                        CultureInfo.InvariantCulture, $"{inFlight} in flight, {subjects[i].Name}: {figures[i][^1].Rate:N0}/s"));
                }
            }
            for (var i = 0; i < subjects.Length; i++)
                Row(table, inFlight, subjects[i].Name, figures[i], figures[0]);
        }
        Console.Write(table);
        if (output is not null)
            await File.WriteAllTextAsync(output, table.ToString());
    }

    private static void Row(StringBuilder table, int inFlight, string name, List<Figure> figures, List<Figure> floor)
    {
        var ratios = figures.Zip(floor).Select(pair => pair.First.Rate / pair.Second.Rate).Order().ToList();
        table.AppendLine(CultureInfo.InvariantCulture,
            $"| {inFlight} | {name} | {Median(figures.Select(figure => figure.Rate)):N0} "
            + $"| {Median(ratios):F2} ({ratios[0]:F2} to {ratios[^1]:F2}) | {Median(figures.Select(figure => figure.Commits)):F2} |");
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;

    private static async Task<Figure> OneAsync(string server, Func<string, Subject> make, int inFlight, int messages)
    {
        var name = $"bench_{Environment.ProcessId}_{++_databases}";
        await using var admin = NpgsqlDataSource.Create(server);
        await RunAsync(admin, $"CREATE DATABASE {name}");
        var connection = new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString;
        double rate;
        long before;
        await using (var subject = make(connection))
        {
            await subject.OpenAsync();
            before = await CommitsAsync(admin, name);
            rate = (await Driver.EndToEndAsync(subject, messages, inFlight)).EndToEnd;
        }
        var commits = (await CommitsAsync(admin, name) - before) / (double)messages;
        NpgsqlConnection.ClearAllPools();
        await RunAsync(admin, $"DROP DATABASE {name} WITH (FORCE)");
        return new(rate, commits);
    }

    // Sessions hand in what they counted about once a second, and at their end.
    private static async Task<long> CommitsAsync(NpgsqlDataSource admin, string database)
    {
        await Task.Delay(StatisticsSettle);
        await using var command = admin.CreateCommand("SELECT xact_commit FROM pg_stat_database WHERE datname = $1");
        command.Parameters.Add(new() { Value = database });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task RunAsync(NpgsqlDataSource admin, string sql)
    {
        await using var command = admin.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}

/// <summary>Several nodes of one database, each with a store of its own; senders go to each in turn.</summary>
internal sealed class NodesSubject(string connection, int nodes, bool apart = false) : Subject
{
    private readonly StoreSubject[] _nodes = [.. Enumerable.Range(0, nodes).Select(node => new StoreSubject(
        $"node-{node}", () => new PostgresMessageStore(connection) { Node = new($"node-{node}") }, apart: apart))];
    private int _sent;

    public override string Name => $"{nodes} nodes";

    public override async Task OpenAsync()
    {
        foreach (var node in _nodes)
            await node.OpenAsync();
    }

    public override Task EnqueueAsync(ReadOnlyMemory<byte> body) =>
        _nodes[(uint)Interlocked.Increment(ref _sent) % (uint)_nodes.Length].EnqueueAsync(body);

    public override async Task<int> HandleAsync(int max) => (await Task.WhenAll(_nodes.Select(node => node.HandleAsync(max)))).Sum();

    public override async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
    }
}
