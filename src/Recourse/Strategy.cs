namespace Recourse;

/// <summary>What a strategy tells the pipeline to do next.</summary>
public enum Step : byte
{
    /// <summary>Go on: inward after <see cref="Strategy.Enter"/>, outward after <see cref="Strategy.Exit"/>.</summary>
    Next = 0,

    /// <summary>The outcome is set; what lies inside is not run, and the outcome travels outward.</summary>
    Return,

    /// <summary>Run everything inside this strategy once more; the outcome of the last run is forgotten.</summary>
    Again,

    /// <summary>
    /// The strategy waits, and has arranged exactly one <see cref="Call.Wake()"/>. The pipeline then calls <see cref="Strategy.Resume"/>.
    /// </summary>
    Pending,
}

/// <summary>
/// What one strategy remembers about one call. Blank when the call enters the pipeline; belongs to one strategy and to one thread at a
/// time.
/// </summary>
public struct Frame
{
    /// <summary>A number for the strategy to use as it likes; 0 at the start.</summary>
    public long Number { get; set; }

    /// <summary>A second number; 0 at the start.</summary>
    public long Stamp { get; set; }

    /// <summary>An object; null at the start.</summary>
    public object? State { get; set; }
}

/// <summary>
/// One protection around a call. A strategy decides; the pipeline runs the call, waits and goes on. One instance serves many calls at once,
/// so what belongs to one call lives in its <see cref="Frame"/>. A strategy that throws makes its exception the outcome of the call.
/// </summary>
public abstract class Strategy
{
    /// <summary>Creates a strategy.</summary>
    /// <param name="name">The name shown by <see cref="Pipeline.Describe"/>, in logs and in metrics; not empty.</param>
    protected Strategy(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
    }

    /// <summary>The name shown in descriptions, logs and metrics.</summary>
    public string Name { get; }

    /// <summary>One line for people: what it is and how it is set. By default only the name.</summary>
    public virtual string Describe() => Name;

    /// <summary>
    /// Before the call goes further in. <see cref="Step.Return"/> (with an outcome set) ends the way inward; <see cref="Exit"/> is then not
    /// called for this strategy.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="frame">What this strategy remembers about the call.</param>
    public abstract Step Enter(Call call, ref Frame frame);

    /// <summary>After everything inside has ended, well or badly; the outcome is in <paramref name="call"/>.</summary>
    /// <param name="call">The call.</param>
    /// <param name="frame">What this strategy remembers about the call.</param>
    public abstract Step Exit(Call call, ref Frame frame);

    /// <summary>
    /// After a wait that this strategy began. <see cref="Step.Next"/> goes on in the direction in which the call was going when it began to
    /// wait.
    /// </summary>
    /// <param name="call">The call.</param>
    /// <param name="frame">What this strategy remembers about the call.</param>
    public virtual Step Resume(Call call, ref Frame frame) =>
        throw new InvalidOperationException($"Strategy '{Name}' answered Pending but does not override Resume.");
}
