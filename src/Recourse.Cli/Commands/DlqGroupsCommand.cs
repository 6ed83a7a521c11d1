using System.CommandLine;
using System.Text;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq groups</c>: the failures that share a cause, with how many died of each.</summary>
internal static class DlqGroupsCommand
{
    public static Command Create()
    {
        var service = new Option<string?>("--service") { Description = "Only of this service", HelpName = "NAME" };
        var kind = new Option<string?>("--kind") { Description = "Only of this kind of fault", HelpName = "KIND" };
        var text = new Option<string?>("--text") { Description = "Only where the error contains this text", HelpName = "TEXT" };
        var recent = new Option<bool>("--recent") { Description = "What died last first, instead of the largest" };
        var after = new Option<string?>("--after") { Description = "Continue behind this cursor", HelpName = "CURSOR" };
        var limit = new Option<int>("--limit") { Description = "Groups of a page, 1 to 500", HelpName = "N", DefaultValueFactory = _ => 50 }
            .Between(1, 500);
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("groups", "Show what dead letters died of, the largest group first")
            { service, kind, text, recent, after, limit, server, json };
        command.SetAction((parsed, cancellationToken) =>
        {
            var path = new StringBuilder($"v1/dead-letters/groups?limit={parsed.GetValue(limit)}");
            void Add(string name, string? value)
            {
                if (value is not null) path.Append($"&{name}={Uri.EscapeDataString(value)}");
            }
            Add("service", parsed.GetValue(service));
            Add("kind", parsed.GetValue(kind));
            Add("text", parsed.GetValue(text));
            Add("sort", parsed.GetValue(recent) ? "recent" : null);
            Add("after", parsed.GetValue(after));
            return RunAsync(parsed.GetValue(server)!, path.ToString(), parsed.GetValue(json), cancellationToken);
        });
        return command.Teach(
        [
            ("What the dead letters died of", "recourse dlq groups"),
            ("The letters of one group", "recourse dlq list --group 8f1c2a90d7e64b35"),
            ("Send one group back, once its cause is mended", "recourse dlq replay --group 8f1c2a90d7e64b35"),
        ], "Errors are alike when they differ in values only: numbers, ids, quoted texts, times. <*> stands for a value.");
    }

    private static async Task<int> RunAsync(Uri server, string path, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync(path, cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var page = relay.Parse(document, RelayJson.Default.ListingGroupAnswer);
        if (page.Items.Count == 0)
        {
            Screen.Progress.WriteLine("Nothing is dead that matches.");
            return ExitCode.Ok;
        }
        var table = Screen.Table("group", "dead", "ever", "service", "kind", "code", "first", "last", "error");
        foreach (var group in page.Items)
        {
            table.Row(group.Id, group.Dead, group.Total, group.Service, group.Kind, group.Code, Screen.Ago(group.FirstSeen),
                Screen.Ago(group.LastSeen), Screen.Safe(group.Template, 120));
        }
        Screen.Out.Write(table);
        if (page.Next is { } next) Screen.Progress.WriteLine($"More: --after {next}");
        return ExitCode.Ok;
    }
}

/// <summary><c>recourse dlq stats</c>: what is dead, by kind, service and age.</summary>
internal static class DlqStatsCommand
{
    public static Command Create()
    {
        var server = CommonOptions.Server();
        var json = CommonOptions.Json();
        var command = new Command("stats", "Sum up what is dead, by kind, service and age") { server, json };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(server)!, parsed.GetValue(json), cancellationToken));
        return command.Teach([("How much is dead", "recourse dlq stats"), ("For an alarm", "recourse dlq stats --json | jq .dead")]);
    }

    private static async Task<int> RunAsync(Uri server, bool json, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var document = await relay.ReadAsync("v1/dead-letters/stats", cancellationToken);
        if (json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var stats = relay.Parse(document, RelayJson.Default.StatsAnswer);
        Screen.Out.WriteLine($"{stats.Dead:N0} dead{(stats.MaxSize is { } max ? $" of at most {max:N0}" : "")}"
            + (stats.OldestAt is null ? "" : $", the oldest died {Screen.Ago(stats.OldestAt)}"));
        var table = Screen.Table("by", "what", "dead");
        foreach (var (kind, dead) in stats.ByKind) table.Row("kind", kind, dead);
        foreach (var (service, dead) in stats.ByService) table.Row("service", service, dead);
        foreach (var age in stats.ByAge.Where(age => age.WithinSeconds is not null))
            table.Row("age", $"within {Screen.Age(age.WithinSeconds)}", age.Dead);
        Screen.Out.Write(table);
        return ExitCode.Ok;
    }
}
