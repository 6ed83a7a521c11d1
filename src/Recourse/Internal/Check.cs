using System.Globalization;

namespace Recourse;

/// <summary>Checks of options: each names the option, what was found and what is allowed.</summary>
internal static class Check
{
    internal static readonly TimeSpan MaxWait = TimeSpan.FromDays(24);

    internal static void AtLeast(int value, int least, string option)
    {
        if (value < least) Fail(option, value, $"it must be {least.ToString(CultureInfo.InvariantCulture)} or more");
    }

    /// <summary>Refuses zero, negative times, and times longer than a timer can wait (24 days).</summary>
    internal static void Positive(TimeSpan value, string option)
    {
        if (value <= TimeSpan.Zero || value > MaxWait) Fail(option, value, "it must be more than zero and at most 24 days");
    }

    internal static void NotNegative(TimeSpan value, string option)
    {
        if (value < TimeSpan.Zero || value > MaxWait) Fail(option, value, "it must be from zero to 24 days");
    }

    internal static void Fail(string option, object? found, string allowed) =>
        throw new InvalidOptionsException(string.Create(CultureInfo.InvariantCulture, $"{option} is {found ?? "null"}; {allowed}."));
}
