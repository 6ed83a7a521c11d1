using System.Globalization;

namespace Recourse.Durable.Tests;

/// <summary>
/// Three nodes on one store, by thousands of drawn schedules: frozen for up to 20 s, cut off, killed, on clocks that go differently.
/// RECOURSE_SEED repeats one; RECOURSE_LONG=1 runs a hundred times as many.
/// </summary>
public sealed class NodeSimulationTests(ITestOutputHelper output)
{
    [Fact]
    public async Task No_schedule_of_several_nodes_loses_anything_or_counts_what_is_stale()
    {
        var given = Environment.GetEnvironmentVariable("RECOURSE_SEED")?.Split(':')[0];
        var first = given is null ? Random.Shared.Next(1, 1_000_000_000) : int.Parse(given, CultureInfo.InvariantCulture);
        var count = given is not null ? 1 : Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 40_000 : 150;
        var strikes = 0;
        for (var seed = first; seed < first + count; seed++)
        {
            var schedule = new NodeSchedule(seed, NodeDefect.None);
            try
            {
                await schedule.RunAsync();
            }
            catch (Violation violation)
            {
                Assert.Fail($"RECOURSE_SEED={seed}: {violation.Message}");
            }
            strikes += schedule.Strikes;
        }
        output.WriteLine($"{count} schedules from seed {first}; nodes came back after they were struck off: {strikes} times");
        Assert.True(given is not null || strikes > count / 4, $"Only {strikes} nodes came back in {count} schedules: this proves little.");
    }

    [Theory]
    [InlineData(NodeDefect.OrphansForgotten)]
    [InlineData(NodeDefect.FenceNotCompared)]
    public async Task A_store_with_this_defect_is_found_out(NodeDefect defect)
    {
        for (var seed = 1; seed <= 500; seed++)
        {
            try
            {
                await new NodeSchedule(seed, defect).RunAsync();
            }
            catch (Violation violation)
            {
                output.WriteLine($"found by schedule {seed}: {violation.Message}");
                return;
            }
        }
        Assert.Fail($"{defect} was not found within 500 schedules: the simulation does not look.");
    }
}
