namespace Recourse.Tests;

/// <summary>
/// Plays random sequences of commands against the thing under test and a naive model of it. On a difference the sequence is cut down to the
/// shortest one that still shows a difference, and the failure names the seed and that sequence.
/// </summary>
public static class ModelRunner
{
    /// <param name="seeds">How many sequences; the seeds are 1, 2, 3 … or the single one in RECOURSE_SEED.</param>
    /// <param name="length">Commands in each.</param>
    /// <param name="generate">Makes one command; may not look at the state, so that a part of a sequence is a sequence too.</param>
    /// <param name="play">Plays a sequence from the start and throws at the first difference.</param>
    public static void Run<TCommand>(int seeds, int length, Func<Random, TCommand> generate, Action<IReadOnlyList<TCommand>> play)
    {
        var only = Environment.GetEnvironmentVariable("RECOURSE_SEED");
        for (var seed = 1; seed <= seeds; seed++)
        {
            var used = only is null ? seed : int.Parse(only);
            var random = new Random(used);
            TCommand[] commands = [.. Enumerable.Range(0, length).Select(_ => generate(random))];
            if (Difference(play, commands) is not null)
            {
                var shortest = Minimise(play, commands);
                Assert.Fail($"""
                    Seed {used}: {Difference(play, shortest)!.Message}
                    The shortest sequence that shows it ({shortest.Length} of {length} commands):
                      {string.Join("\n  ", shortest)}
                    Run it again with RECOURSE_SEED={used}.
                    """);
            }
            if (only is not null)
                return;
        }
    }

    // Leaves out ever smaller parts as long as the difference stays.
    private static TCommand[] Minimise<TCommand>(Action<IReadOnlyList<TCommand>> play, TCommand[] commands)
    {
        for (var size = commands.Length / 2; size >= 1; size = size == 1 ? 0 : (size + 1) / 2)
        {
            for (var start = 0; start < commands.Length;)
            {
                TCommand[] without = [.. commands[..start], .. commands[Math.Min(start + size, commands.Length)..]];
                if (Difference(play, without) is not null)
                    commands = without;
                else
                    start += size;
            }
        }
        return commands;
    }

    private static Exception? Difference<TCommand>(Action<IReadOnlyList<TCommand>> play, IReadOnlyList<TCommand> commands)
    {
        try
        {
            play(commands);
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }
}
