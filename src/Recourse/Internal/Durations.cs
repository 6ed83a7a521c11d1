namespace Recourse;

/// <summary>Durations as people read them: the largest unit that leaves a short number.</summary>
internal static class Durations
{
    /// <summary>The longest wait that a timer of .NET can hold, rounded down to whole days.</summary>
    internal static readonly TimeSpan TimerMax = TimeSpan.FromDays(49);

    internal static string Text(TimeSpan value) => value switch
    {
        { Ticks: < 0 } => $"-{Text(value == TimeSpan.MinValue ? TimeSpan.MaxValue : value.Negate())}",
        { Ticks: 0 } => "0 s",
        { TotalMilliseconds: < 1 } => $"{value.TotalMicroseconds:0.###} us",
        { TotalSeconds: < 1 } => $"{value.TotalMilliseconds:0.###} ms",
        { TotalMinutes: < 5 } => $"{value.TotalSeconds:0.###} s",
        { TotalHours: < 3 } => $"{value.TotalMinutes:0.##} min",
        { TotalDays: < 3 } => $"{value.TotalHours:0.##} h",
        _ => $"{value.TotalDays:0.##} d",
    };
}
