using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Api;

/// <summary>When a message may go, until when it matters, and how urgent it is: as its sender says; null leaves it to the queue.</summary>
internal readonly record struct MessageTiming(DateTimeOffset? DeliverAt, DateTimeOffset? ExpiresAt, int? Priority)
{
    public const string Delay = "Recourse-Delay";
    public const string At = "Recourse-Deliver-At";
    public const string Expires = "Recourse-Expires";
    public const string Urgency = "Recourse-Priority";

    /// <summary>All four, for batches, where they stand in the envelope.</summary>
    public static IReadOnlyList<string> Headers { get; } = [Delay, At, Expires, Urgency];

    // A message that nobody can send for so long is a mistake in a unit.
    private static readonly TimeSpan Farthest = TimeSpan.FromDays(3_650);

    public static MessageTiming Of(IHeaderDictionary headers, DateTimeOffset now) =>
        Of(One(headers, Delay), One(headers, At), One(headers, Expires), One(headers, Urgency), now, (Delay, At, Expires, Urgency));

    public static MessageTiming Of(BatchEnvelope envelope, DateTimeOffset now) =>
        Of(envelope.Delay, envelope.DeliverAt, envelope.Expires, envelope.Priority?.ToString(CultureInfo.InvariantCulture), now,
            ("delay", "deliver_at", "expires", "priority"));

    private static MessageTiming Of(string? delay, string? at, string? expires, string? priority, DateTimeOffset now,
        (string Delay, string At, string Expires, string Priority) names)
    {
        if (delay is null && at is null && expires is null && priority is null)
            return default;
        if (delay is not null && at is not null)
            throw IntakeHeaders.Bad($"{names.Delay} and {names.At} exclude each other: one says how long, the other until when.");
        var due = delay is not null ? now + Duration(names.Delay, delay) : at is not null ? Time(names.At, at, now) : (DateTimeOffset?)null;
        // Counted from now, not from the delay: the sender says when the message stops to matter.
        var end = expires is null ? null : expires.Contains(':')
            ? Time(names.Expires, expires, now) : (DateTimeOffset?)(now + Duration(names.Expires, expires));
        if (end <= now)
            throw IntakeHeaders.Bad($"{names.Expires} is over already: nothing was stored.");
        if (end <= due)
            throw IntakeHeaders.Bad($"{names.Expires} is not after the time from which the message may be delivered.");
        return new(due, end, priority is null ? null : Number(names.Priority, priority));
    }

    private static string? One(IHeaderDictionary headers, string name)
    {
        if (!headers.TryGetValue(name, out var values))
            return null;
        return values is [{ Length: > 0 and <= 64 } value] ? value
            : throw IntakeHeaders.Bad($"The header {name} is sent once, with 1 to 64 characters.");
    }

    private static TimeSpan Duration(string name, string text) =>
        Measures.TryDuration(text, TimeSpan.FromSeconds(1), out var value) && value <= Farthest ? value
            : throw IntakeHeaders.Bad($"{name} is '{text}'; it is a duration such as 30s, 5m or 2h (a bare number is seconds), "
                + "at most 3650d.");

    private static DateTimeOffset Time(string name, string text, DateTimeOffset now) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            && text.Length >= 19 && time - now <= Farthest ? time
            : throw IntakeHeaders.Bad($"{name} is '{text}'; it is a time such as 2026-01-31T10:30:00Z, at most 3650 days ahead.");

    private static int Number(string name, string text) => text is [>= '0' and <= '9'] ? text[0] - '0'
        : throw IntakeHeaders.Bad($"{name} is '{text}'; it is a whole number from 0 (last) to 9 (first).");
}
