using System.CommandLine;
using System.Globalization;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse replay start</c>: counts, shows the first, asks, and starts the job.</summary>
internal static class ReplayStartCommand
{
    public static Command Create()
    {
        var filter = new DlqFilter();
        var options = new StartOptions();
        var dry = new Option<bool>("--dry-run") { Description = "Only count and show the first" };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask" };
        var watch = new Option<bool>("--watch", "-w") { Description = "Stay until every letter that was sent back has ended" };
        var (server, json) = (CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("start", "Start a replay of the dead letters that a filter finds") { dry, yes, watch, server, json };
        filter.AddTo(command);
        options.AddTo(command);
        command.Validators.Add(result =>
        {
            var query = filter.Read(result);
            var all = result.GetValue(options.All);
            if (query.IsEmpty && !all) result.AddError("Say which: a filter such as --queue NAME, or --all with --limit N.");
            else if (!query.IsEmpty && all) result.AddError("--all and a filter exclude each other.");
            else if (all && result.GetValue(options.Limit) is null) result.AddError("--all needs --limit N: how many at most.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var query = filter.Read(parsed);
            var request = options.Read(parsed, query);
            return await RunAsync(relay, request, query, parsed.GetValue(dry), parsed.GetValue(yes), parsed.GetValue(watch),
                parsed.GetValue(json), cancellationToken);
        });
        return command.Teach(
        [
            ("See what would go", "recourse replay start --service billing --dry-run"),
            ("Twenty first, then the rest, 50 a second, watched",
                "recourse replay start --service billing --canary 20 --rate 50 --watch"),
            ("In a script", "recourse replay start --all --limit 1000 --yes --json"),
        ], "It counts and asks first. With --watch it ends with 0 when everything was delivered, with 1 when letters died again or "
            + "the replay" + Environment.NewLine + "was paused or cancelled.");
    }

    /// <summary>Counts, asks, starts and, if wanted, watches.</summary>
    public static async Task<int> RunAsync(RelayClient relay, ReplayBody request, DeadLetterQuery query, bool dry, bool yes, bool watch,
        bool json, CancellationToken cancellationToken)
    {
        var preview = await relay.ActAsync("v1/replays", request with { DryRun = true }, cancellationToken);
        if (dry && json)
        {
            JsonOutput.Write(preview);
            return ExitCode.Ok;
        }
        var found = relay.Parse(preview, RelayJson.Default.ReplayPreviewAnswer);
        Screen.Progress.WriteLine($"{Screen.Counted(found.Matched, "dead letter matches", "dead letters match")} "
            + $"({Screen.Safe(query.ToString())})");
        foreach (var letter in found.Sample.Take(5))
            Screen.Progress.WriteLine($"  {letter.Id}  {Screen.Safe(letter.Service)}, {letter.Kind}: {Screen.Safe(letter.Error, 80)}");
        if (dry) return ExitCode.Ok;
        if (found.Matched == 0)
        {
            // Nothing to do is no failure; but no job is made of it.
            if (json) JsonOutput.Write(preview);
            return ExitCode.Ok;
        }
        if (!yes)
        {
            if (!Screen.CanAsk)
                throw new CliException(ExitCode.Usage, "nothing was replayed: there is no terminal to ask at. Add --yes to start it.");
            var sure = await new ConfirmationPrompt($"Replay these {found.Matched:N0}?") { DefaultValue = false }
                .ShowAsync(Screen.Progress, cancellationToken);
            if (!sure)
            {
                Screen.Progress.WriteLine("Nothing was replayed.");
                return ExitCode.Failed;
            }
        }
        var started = await relay.ActAsync("v1/replays", request, cancellationToken);
        var job = relay.Parse(started, RelayJson.Default.ReplayAnswer);
        if (watch) return await ReplayScreen.ShowAsync(relay, job.Id, watch: true, json, cancellationToken);
        if (json) JsonOutput.Write(started);
        else Screen.Out.WriteLine($"Replay {job.Id} is under way. Watch it: recourse replay show {job.Id} --watch");
        return ExitCode.Ok;
    }

    /// <summary>The options that say how, beside which.</summary>
    private sealed class StartOptions
    {
        public Option<bool> All { get; } = new("--all") { Description = "Every dead letter, at most --limit of them" };
        public Option<long?> Limit { get; } = new("--limit") { Description = "At most so many, the oldest first", HelpName = "N" };
        private readonly Option<int> _canary = new Option<int>("--canary")
        {
            Description = "So many first; the rest waits for their outcome",
            HelpName = "N",
        }.Between(0, 1_000);
        private readonly Option<string?> _share = new("--canary-share")
        {
            Description = "The share of the canary that must be delivered, 0.01 to 1 (default 1)",
            HelpName = "SHARE",
        };
        private readonly Option<string?> _rate = new("--rate") { Description = "At most so many a second", HelpName = "N" };
        private readonly Option<string> _key = new("--key")
        {
            Description = "The Idempotency-Key: auto, keep (the old one) or new",
            HelpName = "KEY",
            DefaultValueFactory = _ => "auto",
        };
        private readonly Option<string?> _reason = new("--reason") { Description = "Why; kept with it", HelpName = "TEXT" };

        public void AddTo(Command command)
        {
            _key.AcceptOnlyFromAmong("auto", "keep", "new");
            foreach (var number in (Option<string?>[])[_share, _rate])
            {
                number.Validators.Add(result =>
                {
                    if (result.Tokens is [var token] && Number(token.Value) is null)
                        result.AddError($"{number.Name} is '{token.Value}'; it must be a number more than 0, such as 0.5 or 20.");
                });
            }
            foreach (var option in new Option[] { All, Limit, _canary, _share, _rate, _key, _reason }) command.Options.Add(option);
        }

        public ReplayBody Read(ParseResult parsed, DeadLetterQuery query) => new()
        {
            Filter = query.Conditions().ToDictionary(condition => condition.Name, condition => condition.Value),
            All = parsed.GetValue(All),
            Limit = parsed.GetValue(Limit),
            Canary = parsed.GetValue(_canary),
            CanaryShare = Number(parsed.GetValue(_share)),
            Rate = Number(parsed.GetValue(_rate)),
            Key = parsed.GetValue(_key),
            Actor = Environment.UserName,
            Reason = parsed.GetValue(_reason),
        };

        private static double? Number(string? text) =>
            double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : null;
    }
}
