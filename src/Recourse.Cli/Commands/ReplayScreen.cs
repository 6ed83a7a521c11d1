using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary>How replays look on a terminal, standing still and moving.</summary>
internal static class ReplayScreen
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static void Write(IReadOnlyList<ReplayAnswer> replays)
    {
        if (replays.Count == 0)
        {
            Screen.Progress.WriteLine("No replays.");
            return;
        }
        var table = Screen.Table("id", "state", "matched", "replayed", "delivered", "died again", "pending", "skipped", "by", "started",
            "why");
        foreach (var column in table.Columns.Skip(2).Take(6)) column.RightAligned();
        foreach (var replay in replays)
        {
            table.Row(replay.Id, Screen.Toned(replay.State, ToneOf(replay.State)), replay.Matched, replay.Replayed, replay.Delivered,
                Screen.Toned($"{replay.DeadAgain}", replay.DeadAgain > 0 ? Tone.Bad : Tone.None), replay.Pending, replay.Skipped,
                Screen.Safe(replay.Actor), Screen.Ago(replay.MadeAt), Screen.Safe(replay.StateReason ?? replay.Reason, 80));
        }
        Screen.Out.Write(table);
    }

    /// <summary>One replay, now or until every letter that it sent back has ended.</summary>
    public static async Task<int> ShowAsync(RelayClient relay, string id, bool watch, bool json, CancellationToken cancellationToken)
    {
        var path = $"v1/replays/{Uri.EscapeDataString(id)}";
        var document = await relay.ReadAsync(path, cancellationToken);
        var replay = relay.Parse(document, RelayJson.Default.ReplayAnswer);
        if (watch)
        {
            var ended = 0.0;
            // Skipped letters are ended too; what matched may shrink while it runs, so the bar is a measure, not a promise.
            await LongWork.RunAsync($"replay {replay.Id}", Math.Max(1, replay.Matched), async advance =>
            {
                while (true)
                {
                    var now = replay.Delivered + replay.DeadAgain + replay.Skipped;
                    advance(now - ended);
                    ended = now;
                    if (IsOver(replay)) return;
                    await Task.Delay(LookEvery, TimeProvider.System, cancellationToken);
                    document = await relay.ReadAsync(path, cancellationToken);
                    replay = relay.Parse(document, RelayJson.Default.ReplayAnswer);
                }
            });
        }
        if (json) JsonOutput.Write(document);
        else Write([replay]);
        return watch && (replay.State != "completed" || replay.DeadAgain > 0) ? ExitCode.Failed : ExitCode.Ok;
    }

    /// <summary>Nothing more changes by itself: all is sent and has ended, or it was stopped.</summary>
    private static bool IsOver(ReplayAnswer replay) => replay.State switch
    {
        "completed" or "cancelled" => replay.Pending == 0,
        "paused" => true,
        _ => false,
    };

    private static Tone ToneOf(string state) => state switch
    {
        "completed" => Tone.Good,
        "paused" or "canary" => Tone.Warn,
        "cancelled" => Tone.Bad,
        _ => Tone.None,
    };
}
