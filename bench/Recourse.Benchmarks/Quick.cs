using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Recourse.Benchmarks;

/// <summary>
/// Batches of ours and of theirs in turn, in one process: what disturbs the machine disturbs both, and the least of many batches is what
/// the code costs. Prints a table of ratios in under two minutes.
/// </summary>
internal sealed class Quick(TextWriter output)
{
    private const int Rounds = 150;
    private const int WarmUpMs = 1200;

    private readonly StringBuilder _notes = new();

    internal void Run()
    {
        output.WriteLine("| case | ours ns | Polly ns | ratio (min) | ratio (median) | target | ours B | Polly B |");
        output.WriteLine("|---|---|---|---|---|---|---|---|");
        foreach (var pair in Pair.All())
        {
            Compare(pair.Name, pair.Target, 2_000, n => Loops.Ours(pair.Ours, n), n => Loops.Theirs(pair.Theirs, n));
        }

        foreach (var inFlight in (int[])[1, 64, 512])
        {
            foreach (var pair in Pair.All())
            {
                if (inFlight != 1 && pair.Name is not ("empty" or "retry" or "timeout > retry > breaker" or "standard five")) continue;
                var loops = new SuspendedLoops(inFlight);
                Compare($"{pair.Name}, suspended, {inFlight} in flight", null, 1_024, n => loops.Ours(pair.Ours, n), n =>
                    loops.Theirs(pair.Theirs, n), loops.Bare);
            }
        }

        Failures.Compare(this);
        output.Write(_notes);
    }

    internal void Note(string note) => _notes.AppendLine().AppendLine(note);

    internal void Row(string name, string ours, string theirs, double ratio, double target) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"| {name} | {ours} | {theirs} | {ratio:0.00} | | {Target(target, ratio)} | | |"));

    /// <summary>Times two loops in turn. With a bare loop, bytes are what each adds to it.</summary>
    internal void Compare(string name, double? target, int calls, Action<int> ours, Action<int> theirs, Action<int>? bare = null,
        int rounds = Rounds)
    {
        // Long enough for the compiler, which looks for hot methods every 100 ms, to have come to its last word on both.
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start).TotalMilliseconds < WarmUpMs;)
        {
            ours(calls);
            theirs(calls);
            bare?.Invoke(calls);
        }

        var (mine, other) = (new double[rounds], new double[rounds]);
        for (var round = 0; round < rounds; round++)
        {
            mine[round] = Time(ours, calls);
            other[round] = Time(theirs, calls);
        }

        var floor = bare is null ? 0 : Bytes(bare, calls);
        var (bytes, otherBytes) = (Bytes(ours, calls) - floor, Bytes(theirs, calls) - floor);
        Array.Sort(mine);
        Array.Sort(other);
        var (ratio, median) = (mine[0] / other[0], mine[rounds / 2] / other[rounds / 2]);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {mine[0]:0.0} | {other[0]:0.0} | {ratio:0.00} | {median:0.00} | {Target(target, ratio)} "
            + $"| {bytes:0.#} | {otherBytes:0.#} |"));
        output.Flush();
    }

    private static string Target(double? target, double ratio) =>
        target is not { } limit ? "" : string.Create(CultureInfo.InvariantCulture, $"{limit:0.00}{(ratio <= limit ? " ✓" : " missed")}");

    private static double Time(Action<int> loop, int calls)
    {
        var start = Stopwatch.GetTimestamp();
        loop(calls);
        return Stopwatch.GetElapsedTime(start).TotalNanoseconds / calls;
    }

    private static double Bytes(Action<int> loop, int calls)
    {
        loop(calls);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        loop(calls);
        loop(calls);
        return (GC.GetTotalAllocatedBytes(precise: true) - before - 0.0) / (2 * calls);
    }
}
