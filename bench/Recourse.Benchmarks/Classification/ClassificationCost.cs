using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Recourse.Benchmarks.Classification;

/// <summary>
/// What it costs to classify one failure, in nanoseconds, as a multiple of two bare things that run in turn with it: a look at the clock,
/// and the predicate that people write by hand for four types. Batches are short, so that most of them run without an interruption, and
/// the least counts.
/// </summary>
internal sealed class ClassificationCost(TextWriter output)
{
    private const int Calls = 200;
    private const int Rounds = 4_000;
    private const double TypedTarget = 150;
    private const double TextTarget = 3_000;

    private static readonly FaultClassifier Classifier = FaultClassifier.Default;

    internal void Run()
    {
        output.WriteLine("| failure | ns | of one clock read | of a predicate by hand | bytes | target |");
        output.WriteLine("|---|---|---|---|---|---|");
        foreach (var (name, fault) in DriverFaults.Typed)
        {
            if (Classifier.Classify(fault).Kind == FaultKind.Unknown) throw new InvalidOperationException($"{name} is not recognised.");
            Compare(name, () => Classifier.Judge(fault).Judgement == Judgement.Success, () => ByHand(fault), TypedTarget);
        }

        Compare("status 503 without an exception", static () => Classifier.ClassifyHttp(503).Throttling, static () => 503 >= 500,
            TypedTarget);
        foreach (var (name, text) in DriverFaults.Texts)
        {
            Compare(name, () => Classifier.ClassifyText(text).Throttling,
                () => text.Contains("timeout", StringComparison.OrdinalIgnoreCase), TextTarget);
        }
    }

    private void Compare(string name, Func<bool> classify, Func<bool> byHand, double target)
    {
        // Past the compiler's tiers, which look for hot methods every 100 ms.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalMilliseconds < 600;)
        {
            Time(classify);
            Time(byHand);
            Time(Clock);
        }

        var (mine, bare, clock) = (double.MaxValue, double.MaxValue, double.MaxValue);
        for (var round = 0; round < Rounds; round++)
        {
            mine = Math.Min(mine, Time(classify));
            bare = Math.Min(bare, Time(byHand));
            clock = Math.Min(clock, Time(Clock));
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        Time(classify);
        var bytes = (GC.GetAllocatedBytesForCurrentThread() - before) / (double)Calls;
        var verdict = mine <= target ? "✓" : "missed";
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {mine:0} | {mine / clock:0.0} | {mine / bare:0.0} | {bytes:0.#} | {target:0} ns {verdict} |"));
        output.Flush();
    }

    private static bool Clock() => Stopwatch.GetTimestamp() == 0;

    private static bool ByHand(Exception fault) => fault switch
    {
        HttpRequestException { StatusCode: { } status } =>
            status is HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError,
        HttpRequestException or TimeoutException or IOException => true,
        SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.ConnectionReset or SocketError.TimedOut } => true,
        System.Data.Common.DbException { SqlState: "40P01" or "40001" or "57P01" } => true,
        _ => fault.InnerException is { } inner && ByHand(inner),
    };

    private static double Time(Func<bool> act)
    {
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < Calls; i++) act();
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Calls;
    }
}
