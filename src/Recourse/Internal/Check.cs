using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Recourse;

/// <summary>Checks of options. Each message says which option, what was found and what is allowed.</summary>
internal static class Check
{
    internal static void That(
        [DoesNotReturnIf(false)] bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref CheckMessage message)
    {
        if (!holds)
            throw new InvalidOptionsException(message.ToString());
    }

    internal static void Range(string option, int value, int min, int max) =>
        That(value >= min && value <= max, $"{option} is {value}; it must be from {min} to {max}.");

    internal static void Range(string option, double value, double min, double max) =>
        That(value >= min && value <= max, $"{option} is {value}; it must be from {min} to {max}.");

    internal static void Range(string option, TimeSpan value, TimeSpan min, TimeSpan max) => That(
        value >= min && value <= max,
        $"{option} is {Durations.Text(value)}; it must be from {Durations.Text(min)} to {Durations.Text(max)}.");

    internal static void Named(string option, string? value) =>
        That(!string.IsNullOrWhiteSpace(value), $"{option} is empty; it must have at least one visible character.");

    internal static void Defined<T>(string option, T value) where T : struct, Enum =>
        That(Enum.IsDefined(value), $"{option} is {value}; it must be one of {string.Join(", ", Enum.GetNames<T>())}.");
}

/// <summary>Builds the text of a failed check, and nothing at all when the check holds.</summary>
[InterpolatedStringHandler]
internal ref struct CheckMessage
{
    private DefaultInterpolatedStringHandler _text;

    public CheckMessage(int literalLength, int formattedCount, bool holds, out bool enabled)
    {
        enabled = !holds;
        _text = enabled ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public override string ToString() => _text.ToStringAndClear();
}
