using System.Globalization;
using System.Text;

namespace Recourse.Benchmarks.Outage;

/// <summary>Every scenario with every contender and some seeds, as a page.</summary>
internal sealed class OutageStudy(TextWriter progress)
{
    private static readonly int[] Seeds = [1, 2, 3, 4, 5];

    /// <summary>Runs everything (some minutes) and writes the page.</summary>
    internal void Write(string path)
    {
        var page = new StringBuilder(OutagePage.Head(Seeds));
        foreach (var scenario in OutageScenario.All)
        {
            page.Append(OutagePage.ScenarioHead(scenario));
            foreach (var contender in OutageContender.All)
            {
                OutageFigures[] runs = [.. Seeds.Select(seed => OutageRun.Of(scenario, contender, seed))];
                var row = OutagePage.Row(contender, runs);
                progress.WriteLine($"{scenario.Name}: {row}");
                progress.Flush();
                page.AppendLine(row);
            }
        }

        page.Append(OutagePage.Foot);
        File.WriteAllText(path, page.ToString().ReplaceLineEndings("\n"));
        progress.WriteLine($"Written to {path}");
    }
}

/// <summary>The words and the form of the page.</summary>
internal static class OutagePage
{
    internal static string Head(int[] seeds) => $"""
        # An outage, in virtual time

        `dotnet run -c Release --project bench/Recourse.Benchmarks -- outage` writes this page. Ten clients, each with a pipeline of
        its own, begin 100 calls a second each, whatever becomes of them, against one simulated service that handles 1,250 a second.
        After 30 s of calm there are 60 s of trouble and then 120 s in which the service is well again. Time is virtual and
        everything runs on one thread, so nothing depends on the machine: the same seed gives the same figures. Figures are medians
        of the seeds {string.Join(", ", seeds)}; in brackets the least and the greatest where they differ. Calls are repeatable
        (reads), because Polly's standard handler repeats everything.

        - **Polly standard**: the layers, the order, the defaults and the predicate of `AddStandardResilienceHandler` of
          Microsoft.Extensions.Http.Resilience, on Polly.Core 8.9.1: 1,000 at once > 30 s for all > 3 retries (exponential from 2 s,
          jitter) > breaker (10 % of 100 or more calls in 30 s, open for 5 s) > 10 s for each attempt.
        - **Recourse `Standard`** and **Recourse `HttpClient`**: the ready-made pipelines as they are: 1,000 at once > 30 s for all
          > retry with a budget (20 % of the calls and 10 a second) > breaker (half of 20 or more calls in 10 s, open for 5 s, three
          probes) > 10 s for each attempt. They differ in the attempts and waits of the retry.

        What the columns say:
        - *requests a call*: requests that reached the service during the trouble for each call begun in it; 1 is no protection and
          no retry. Less is a breaker that keeps load away, more is retrying.
        - *peak*: the busiest second of the whole run, in multiples of the ordinary load.
        - *good during*: calls begun during the trouble that got a good answer in the end.
        - *first good*, *well again*: seconds from the end of the trouble to the first good answer, and until at least 95 % of the
          calls of every second work for five seconds on end.
        - *lost after*: calls begun after the end that failed all the same; about 120,000 were begun.
        - *99 % answered in*: how long callers of the trouble waited, for a good answer or a bad one.

        """;

    internal static string ScenarioHead(OutageScenario scenario) => $"""

        ## {scenario.Name}

        {scenario.Explanation}

        | | requests a call | peak | good during | first good, s | well again, s | lost after | 99 % answered in, s |
        |---|---|---|---|---|---|---|---|

        """;

    internal static string Row(OutageContender contender, OutageFigures[] runs) =>
        $"| {contender.Name} | {Cell(runs, run => run.AttemptsPerCall, "0.00")} | {Cell(runs, run => run.Peak, "0.00")} "
        + $"| {Cell(runs, run => 100 * run.SuccessDuring, "0.0", " %")} "
        + $"| {Cell(runs, run => run.FirstSuccess ?? double.PositiveInfinity, "0.0")} "
        + $"| {Cell(runs, run => run.Recovered ?? double.PositiveInfinity, "0")} | {Cell(runs, run => run.LostAfter, "0")} "
        + $"| {Cell(runs, run => run.SlowestAnswer, "0.0")} |";

    internal const string Foot = """

        ## What to make of it

        - **What matters is what a client does to a service in trouble.** Every protected client sends less than one request a call
          when nothing or half of it works, because the breaker keeps most calls away. An unprotected one sends all of them: no harm
          where the service recovers by itself at once, and the worst of all where load is the trouble: there the queue of abandoned
          requests outlives the trouble by half a minute, and tens of thousands of calls are lost after the end.
        - **The busiest second is lower with Polly** when connections are refused at once. Its first retry waits for about two
          seconds, ours for a tenth of one, so ours spends within a second what the budget holds at the start. The budget bounds
          that, whatever happens: one retry for five calls, and ten a second, for ten seconds. Without a breaker Polly would send
          four requests a call.
        - **Polly's breaker opens sooner** (at a tenth of failures instead of half). In an outage in which every call fails that
          saves a few thousand requests; in a brown-out it turns away calls of which half would have worked.
        - **After a silent outage Polly is well again sooner** in these runs. Its first breaker opened earlier, so its probes come
          at other moments; whichever probe is under way when the service comes back waits out its ten seconds first, on both sides.
          When connections are refused, ours is back as soon or sooner and loses fewer calls. In an overload both hold; Polly's
          callers get their bad answers earlier.
        - **Our callers wait longer for a bad answer**: a call that meets an open circuit waits for it where at least as much time
          is left afterwards. That is what brings an answer after a short break, and costs patience in a long one. Who does not want
          it sets a shorter time limit around the call.
        - This study found a defect of ours before it was published. Calls that had waited for an open circuit until their own time
          was almost up became its probes, ran out of time, and so kept the circuit open for ever. Hence the rule above. The breaker
          of the ready-made pipelines was changed by what is seen here, too: its window is 10 s instead of 30 s, and its open time
          no longer grows, since three probes in five seconds are no load that would have to be spared.

        What it does not show: many services behind one client, clients with little traffic (there the ten retries a second weigh
        more), and networks. The service is a model; the pipelines are the real ones.

        """;

    private static string Cell(OutageFigures[] runs, Func<OutageFigures, double> figure, string format, string unit = "")
    {
        double[] values = [.. runs.Select(figure).Order()];
        var (least, median, greatest) = (Text(values[0]), Text(values[values.Length / 2]), Text(values[^1]));
        return (least == greatest ? median : $"{median} ({least} to {greatest})") + unit;

        string Text(double value) => double.IsInfinity(value) ? "never" : value.ToString(format, CultureInfo.InvariantCulture);
    }
}
