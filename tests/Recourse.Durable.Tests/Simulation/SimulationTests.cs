using System.Globalization;

namespace Recourse.Durable.Tests;

/// <summary>
/// Schedules by the thousand, each drawn from its seed. RECOURSE_SEED=seed repeats one, RECOURSE_SEED=seed:events a shortened one;
/// RECOURSE_LONG=1 runs a hundred times as many.
/// </summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static readonly bool Long = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1";

    private long _arrived;

    [Fact]
    public void No_schedule_loses_or_doubles_anything_or_leaves_it_undone()
    {
        if (Environment.GetEnvironmentVariable("RECOURSE_SEED")?.Split(':') is [var seed, .. var rest])
        {
            Run(int.Parse(seed, CultureInfo.InvariantCulture), rest is [var events] ? int.Parse(events, CultureInfo.InvariantCulture) : 0);
            return;
        }
        var (first, count) = (Random.Shared.Next(), Long ? 300_000 : 3_000);
        var began = TimeProvider.System.GetTimestamp();
        for (var i = 0; i < count; i++)
            Run(unchecked(first + i) & int.MaxValue, 0);
        var took = TimeProvider.System.GetElapsedTime(began);
        output.WriteLine($"{count} schedules from seed {first} in {took.TotalSeconds:0.0} s: {count / took.TotalMinutes:0} a minute; "
            + $"{_arrived} messages were claimed with their storing");
        Assert.True(_arrived > count / 4, $"Only {_arrived} messages were claimed with their storing: this proves little of it.");
    }

    [Theory]
    [InlineData(Defect.FenceNotCompared)]
    [InlineData(Defect.AcknowledgedBeforeSync)]
    [InlineData(Defect.FollowerBeforeHead)]
    [InlineData(Defect.AttemptNotCounted)]
    [InlineData(Defect.LeasesNotEnded)]
    [InlineData(Defect.SuspectForgotten)]
    [InlineData(Defect.DiscardNotBooked)]
    [InlineData(Defect.KeyForgotten)]
    [InlineData(Defect.RetryLost)]
    [InlineData(Defect.EditLost)]
    [InlineData(Defect.NoteLost)]
    [InlineData(Defect.ImportNotBooked)]
    [InlineData(Defect.CursorNotCompared)]
    [InlineData(Defect.HoldLost)]
    public void A_store_with_this_defect_is_found_out(Defect defect)
    {
        for (var seed = 1; seed <= 500; seed++)
        {
            if (Find(seed, 0, defect) is not { } found)
                continue;
            output.WriteLine($"found by schedule {seed}: {found.Violation.Message}");
            return;
        }
        Assert.Fail($"{defect} was not found within 500 schedules: the simulation does not look.");
    }

    [Fact]
    public void A_seed_repeats_itself_exactly()
    {
        for (var seed = 1; seed <= 20; seed++)
            Assert.Equal(TrailOf(seed), TrailOf(seed));
    }

    private static string TrailOf(int seed)
    {
        var simulation = new Simulation(seed, 0, Defect.None);
        simulation.Run();
        return simulation.Trail;
    }

    private (Simulation Simulation, Violation Violation)? Find(int seed, int events, Defect defect)
    {
        var simulation = new Simulation(seed, events, defect);
        try
        {
            simulation.Run();
            _arrived += simulation.Arrived;
            return null;
        }
        catch (Violation violation)
        {
            return (simulation, violation);
        }
    }

    /// <summary>Fails with the shortest schedule of this seed that still shows it.</summary>
    private void Run(int seed, int events)
    {
        if (Find(seed, events, Defect.None) is not { } found)
            return;
        for (var (low, high) = (1, found.Simulation.Events); low < high;)
        {
            var middle = (low + high) / 2;
            if (Find(seed, middle, Defect.None) is { } shorter)
                (found, high) = (shorter, middle);
            else
                low = middle + 1;
        }
        Assert.Fail($"RECOURSE_SEED={seed}:{found.Simulation.Events} — {found.Violation.Message}\n{found.Simulation.Trail}");
    }
}
