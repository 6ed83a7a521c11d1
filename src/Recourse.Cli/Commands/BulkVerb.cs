using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary>What replay and discard say of themselves.</summary>
internal sealed record BulkVerbWords(string Verb, string Done, string Description)
{
    /// <summary>A filter becomes a job of the relay, not many acts of this program.</summary>
    public bool AsJob { get; init; }
}

/// <summary>A verb on one dead letter, or on all that a filter finds: counted first, then asked for.</summary>
internal static class BulkVerb
{
    // Ids are held in memory between the preview and the act; this many take some 10 MB.
    private const int SelectionLimit = 100_000;
    private const int AtOnce = 8;
    private const int FailuresShown = 20;

    public static Command Create(BulkVerbWords words)
    {
        var ids = new Argument<string[]>("ID")
        {
            Description = "Dead letters by id; without one, a filter or --all",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var filter = new DlqFilter();
        var all = new Option<bool>("--all") { Description = "Every dead letter; needed where there is neither an id nor a filter" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var reason = new Option<string?>("--reason") { Description = "Why; kept with each letter", HelpName = "TEXT" };
        var key = new Option<string?>("--key")
        {
            Description = "The Idempotency-Key that they are sent with: keep (the old one), new or auto (the default)",
            HelpName = "KEY",
        };
        key.AcceptOnlyFromAmong("auto", "keep", "new");
        var server = CommonOptions.Server();
        var json = CommonOptions.Json("Print one summary document and nothing else on standard output");
        var command = new Command(words.Verb, words.Description) { ids, all, yes, reason, server, json };
        if (words.AsJob) command.Options.Add(key);
        filter.AddTo(command);
        command.Validators.Add(result =>
        {
            var byId = result.GetValue(ids) is { Length: > 0 };
            var query = filter.Read(result);
            if (byId && (!query.IsEmpty || result.GetValue(all))) result.AddError("Give ids or a filter, not both.");
            else if (!byId && query.IsEmpty && !result.GetValue(all))
                result.AddError($"Say which: an id, a filter such as --queue NAME, or --all to {words.Verb} every dead letter.");
            else if (!query.IsEmpty && result.GetValue(all)) result.AddError("--all and a filter exclude each other.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var act = Acts.Because(parsed.GetValue(reason)) with { Key = words.AsJob ? parsed.GetValue(key) : null };
            if (words.AsJob && parsed.GetValue(ids) is null or { Length: 0 })
                return await JobAsync(relay, act, filter.Read(parsed), parsed.GetValue(yes), parsed.GetValue(json), cancellationToken);
            var chosen = parsed.GetValue(ids) is { Length: > 0 } given
                ? given
                : await ChooseAsync(relay, words, filter.Read(parsed), parsed.GetValue(yes), cancellationToken);
            return chosen is null ? ExitCode.Failed : await RunAsync(relay, words, act, chosen, parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    // The relay works on it, so that a terminal that closes does not stop it half-way.
    private static Task<int> JobAsync(
        RelayClient relay, ActBody act, DeadLetterQuery query, bool yes, bool json, CancellationToken cancellationToken)
    {
        var request = new ReplayBody
        {
            Filter = query.Conditions().ToDictionary(condition => condition.Name, condition => condition.Value),
            All = query.IsEmpty,
            Limit = query.IsEmpty ? 10_000_000 : null,
            Actor = act.Actor,
            Reason = act.Reason,
            Key = act.Key,
        };
        return ReplayStartCommand.RunAsync(relay, request, query, dry: false, yes, watch: false, json, cancellationToken);
    }

    /// <summary>Counts what the filter finds and asks; null when the answer is no.</summary>
    private static async Task<string[]?> ChooseAsync(
        RelayClient relay, BulkVerbWords words, DeadLetterQuery query, bool yes, CancellationToken cancellationToken)
    {
        var found = new List<string>();
        var byReason = new Dictionary<string, int>();
        await foreach (var (letter, _) in relay.DeadLettersAsync(query, cancellationToken: cancellationToken))
        {
            found.Add(letter.Id);
            var reason = $"{letter.Service}, {letter.Kind}";
            byReason[reason] = byReason.GetValueOrDefault(reason) + 1;
            if (found.Count == SelectionLimit) break;
        }
        var more = found.Count == SelectionLimit ? $" (the first {SelectionLimit:N0}; run it again for the rest)" : "";
        var matching = Screen.Counted(found.Count, "dead letter matches", "dead letters match");
        Screen.Progress.WriteLine($"{matching} ({Screen.Safe(query.ToString())}){more}");
        foreach (var (reason, count) in byReason.OrderByDescending(pair => pair.Value).Take(10))
            Screen.Progress.WriteLine($"  {count,8:N0}  {Screen.Safe(reason)}");
        if (found.Count == 0 || yes) return [.. found];
        if (!Screen.CanAsk)
            throw new CliException(ExitCode.Usage,
                $"nothing was {words.Done}: there is no terminal to ask at. Add --yes to {words.Verb} them.");
        var what = found.Count == 1 ? "this one" : $"these {found.Count:N0}";
        var question = $"{char.ToUpperInvariant(words.Verb[0])}{words.Verb[1..]} {what}?";
        var sure = await new ConfirmationPrompt(question) { DefaultValue = false }
            .ShowAsync(Screen.Progress, cancellationToken);
        if (sure) return [.. found];
        Screen.Progress.WriteLine($"Nothing was {words.Done}.");
        return null;
    }

    private static async Task<int> RunAsync(
        RelayClient relay, BulkVerbWords words, ActBody act, string[] ids, bool json, CancellationToken cancellationToken)
    {
        var patience = new Patience(relay, TimeSpan.FromSeconds(30));
        var failures = new List<BulkFailure>();
        var failed = 0;
        var done = 0;
        var exitCode = ExitCode.Ok;
        await LongWork.RunAsync($"{words.Verb}", ids.Length, async advance =>
            await Parallel.ForEachAsync(ids, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
                async (id, token) =>
                {
                    try
                    {
                        await patience.TryAsync(() =>
                            relay.ActAsync($"v1/dead-letters/{Uri.EscapeDataString(id)}:{words.Verb}", act, token), token);
                        Interlocked.Increment(ref done);
                    }
                    catch (CliException error) when (error.Status is not null)
                    {
                        lock (failures)
                        {
                            failed++;
                            exitCode = ids.Length == 1 ? error.ExitCode : ExitCode.Failed;
                            if (failures.Count < FailuresShown) failures.Add(new(id, error.Status, error.Message));
                        }
                    }
                    advance(1);
                }));
        if (json) JsonOutput.Write(new(words.Verb, done, failed, failures), CliJson.Default.BulkResult);
        else if (failed == 0) Screen.Out.WriteLine($"{done:N0} {words.Done}.");
        else if (ids.Length > 1) Screen.Out.WriteLine($"{done:N0} {words.Done}, {failed:N0} not.");
        foreach (var failure in failures) Console.Error.WriteLine($"recourse: {failure.Id}: {failure.Problem}");
        if (failed > failures.Count) Console.Error.WriteLine($"recourse: … and {failed - failures.Count:N0} more.");
        return exitCode;
    }
}

/// <summary>The summary of a bulk verb.</summary>
internal sealed record BulkResult(string Verb, int Done, int Failed, IReadOnlyList<BulkFailure> Failures);

/// <summary>One dead letter that the relay refused to act on.</summary>
internal sealed record BulkFailure(string Id, int? Status, string Problem);
