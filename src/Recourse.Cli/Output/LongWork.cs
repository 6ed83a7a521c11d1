using Spectre.Console;

namespace Recourse.Cli.Output;

/// <summary>A bar on standard error while something long runs; where nothing can be drawn, a line every few seconds.</summary>
internal static class LongWork
{
    private static readonly TimeSpan LineEvery = TimeSpan.FromSeconds(5);

    /// <summary>Runs <paramref name="work"/>, which says how far it came. A total of 0 means that nobody knows how much there is.</summary>
    public static async Task RunAsync(string title, double total, Func<Action<double>, Task> work)
    {
        if (!Screen.IsLive)
        {
            await WithLinesAsync(title, total, work);
            return;
        }
        await Screen.Progress.Progress().AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(),
                new SpinnerColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(Markup.Escape(title), maxValue: total > 0 ? total : 1);
                bar.IsIndeterminate = total <= 0;
                await work(bar.Increment);
            });
    }

    private static async Task WithLinesAsync(string title, double total, Func<Action<double>, Task> work)
    {
        var gate = new Lock();
        var done = 0.0;
        void WriteLine(object? _)
        {
            double now;
            lock (gate) now = done;
            Console.Error.WriteLine(total > 0 ? $"{title}: {Math.Min(1, now / total):P0}" : $"{title}: {now:N0}");
        }
        await using var timer = TimeProvider.System.CreateTimer(WriteLine, null, LineEvery, LineEvery);
        await work(step =>
        {
            lock (gate) done += step;
        });
    }
}
