using Recourse.Cli.Commands;
using Recourse.Cli.Output;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Recourse.Cli.Demo;

/// <summary>
/// Shows the demonstration: tables that change in place on a terminal, a line every few seconds elsewhere. On standard error.
/// </summary>
internal sealed class DemoScreen(TimeProvider clock)
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(3);
    private LiveDisplayContext? _live;
    private long? _lastLine;

    /// <summary>Runs <paramref name="work"/> with the display open.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> work)
    {
        if (!Screen.IsLive) return await work();
        return await Screen.Progress.Live(new Spectre.Console.Text("")).AutoClear(true).StartAsync(async context =>
        {
            _live = context;
            try
            {
                return await work();
            }
            finally
            {
                _live = null;
            }
        });
    }

    /// <summary>Shows a status; where lines are written, at most one every few seconds.</summary>
    public void Show(DemoStatus status)
    {
        if (_live is { } live)
        {
            live.UpdateTarget(Draw(status));
            return;
        }
        if (Screen.IsLive || (_lastLine is { } last && clock.GetElapsedTime(last) < LineEvery)) return;
        _lastLine = clock.GetTimestamp();
        Console.Error.WriteLine(Line(status));
    }

    /// <summary>A sentence that stays: on a terminal it appears above the tables at their next change.</summary>
    public static void Say(string sentence) => Screen.Progress.WriteLine(sentence);

    internal static string Line(DemoStatus status)
    {
        var books = status.Books;
        var trouble = status.Services.Where(service => service.Breaker is not (null or "closed"))
            .Select(service => $"{service.Name} {service.Breaker}");
        return $"{status.Elapsed.TotalSeconds,4:0} s  sent {status.Acknowledged}/{status.ToSend}  delivered {books.Delivered} "
            + $"({status.PerSecond:0}/s)"
            + $"  waiting {books.Waiting}  dead {books.Dead}{(status.RelayUp ? "" : "  relay down")}"
            + $"{string.Concat(trouble.Select(word => $"  {word}"))}  {status.Phase}";
    }

    private static Rows Draw(DemoStatus status)
    {
        var queues = QueuesCommand.Table(status.Queues);
        var services = Screen.Table("service", "breaker", "in hand", "waiting", "retrying", "dead", "character");
        foreach (var service in status.Services)
        {
            var state = status.RelayUp ? service.Breaker : "?";
            services.Row(service.Name, Screen.Toned(state ?? "", ServicesCommand.ToneOf(state)), service.InFlight, service.Waiting,
                service.Delayed,
                service.Dead, DemoStage.Characters.GetValueOrDefault(service.Name));
        }
        var dead = status.DeadByKind.Count == 0 ? "none" : string.Join(", ", status.DeadByKind.Select(pair => $"{pair.Value} {pair.Key}"));
        IRenderable[] rows =
        [
            Screen.Toned($"{status.Elapsed.TotalSeconds:0} s  {status.Phase}", status.RelayUp ? Tone.Good : Tone.Bad),
            new Spectre.Console.Text($"sent {status.Acknowledged:N0} of {status.ToSend:N0}, delivering {status.PerSecond:0} a "
                + $"second; dead letters: {Screen.Safe(dead)}"),
            queues, services,
        ];
        return new Rows(rows);
    }
}
