using System.Collections.Frozen;
using System.Diagnostics;

namespace Recourse;

/// <summary>
/// A failure as it is reported: what it was, where it happened, to whom it belongs. One value for observers, journal, dead letters and
/// reports. Immutable. What it carries of a request has gone through <see cref="FaultContext.Redact"/>.
/// </summary>
public sealed record Fault
{
    // Texts come from services; a page of HTML in an error message must not fill the journal.
    internal const int MaxMessage = 8_192;
    internal const int MaxStack = 32_768;
    internal const int MaxEntries = 64;

    private static readonly FrozenDictionary<string, string> Empty = FrozenDictionary<string, string>.Empty;

    private Fault()
    {
    }

    /// <summary>Unique to this report; orders by time.</summary>
    public required Guid Id { get; init; }

    /// <summary>What it was, with the evidence.</summary>
    public required Classification Classification { get; init; }

    /// <summary>The code to quote: that of the source where there is one (<c>postgres 40P01</c>), else the kind.</summary>
    public required string Code { get; init; }

    /// <summary>The text of the failure, at most 8,192 characters.</summary>
    public required string Message { get; init; }

    /// <summary>When it happened, by the clock that the caller gave.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>How bad it is: kind × importance of the service.</summary>
    public required Severity Severity { get; init; }

    /// <summary>The service that failed; "unknown" where nobody said.</summary>
    public required string Service { get; init; }

    /// <summary>What was asked of it; "unknown" where nobody said.</summary>
    public required string Operation { get; init; }

    /// <summary>The component that reports it; null outside a supervisor.</summary>
    public string? Component { get; init; }

    /// <summary>The port it came through; null outside a port.</summary>
    public string? Port { get; init; }

    /// <summary>The message that was being handled; null when there is none.</summary>
    public string? MessageId { get; init; }

    /// <summary>Ties together everything that belongs to one request; made up where nobody gave one.</summary>
    public required string CorrelationId { get; init; }

    /// <summary>The W3C trace id of the current activity; null when there is none.</summary>
    public string? TraceId { get; init; }

    /// <summary>The full name of the exception's type; null when a result failed.</summary>
    public string? ExceptionType { get; init; }

    /// <summary>Its stack trace, at most 32,768 characters; null when a result failed or nothing was thrown.</summary>
    public string? StackTrace { get; init; }

    /// <summary>The exception itself, for observers in the process; null when a result failed. Never stored.</summary>
    public Exception? Exception { get; init; }

    /// <summary>The attempt that failed, counted from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>How often the same fault has been seen, this time included.</summary>
    public int OccurrenceCount { get; init; } = 1;

    /// <summary>When the same fault was seen first.</summary>
    public required DateTimeOffset FirstOccurrence { get; init; }

    /// <summary>When the same fault was seen last.</summary>
    public required DateTimeOffset LastOccurrence { get; init; }

    /// <summary>How often recovery has been tried for it.</summary>
    public int RecoveryAttempts { get; init; }

    /// <summary>What was asked, redacted; empty when the caller gave nothing. At most 64 entries.</summary>
    public IReadOnlyDictionary<string, string> RequestData { get; init; } = Empty;

    /// <summary>Whatever else the caller wants to find here again. At most 64 entries.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = Empty;

    /// <summary>What happened.</summary>
    public FaultKind Kind => Classification.Kind;

    /// <summary>Whose problem it is.</summary>
    public FaultCategory Category => Classification.Category;

    /// <summary>Whether it passes by itself.</summary>
    public Persistence Persistence => Classification.Persistence;

    /// <summary>The fault that an exception is.</summary>
    /// <param name="classification">What the classifier said about it.</param>
    /// <param name="exception">The exception; null when a result failed.</param>
    /// <param name="context">Where it happened.</param>
    /// <param name="clock">Tells the time; null is the system's.</param>
    public static Fault From(Classification classification, Exception? exception, FaultContext context, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(classification);
        ArgumentNullException.ThrowIfNull(context);
        var now = (clock ?? TimeProvider.System).GetUtcNow();
        var id = Guid.CreateVersion7(now);
        return new Fault
        {
            Id = id,
            Classification = classification,
            Code = classification.Code is { } code ? $"{classification.Family} {code}" : classification.Kind.Name(),
            Message = Cut(context.Message ?? exception?.Message ?? classification.Evidence, MaxMessage)!,
            Time = now,
            Severity = classification.Kind.Severity(context.Importance),
            Service = context.Service ?? "unknown",
            Operation = context.Operation ?? "unknown",
            Component = context.Component,
            Port = context.Port,
            MessageId = context.MessageId,
            CorrelationId = context.CorrelationId ?? id.ToString(),
            TraceId = context.TraceId ?? Activity.Current?.TraceId.ToHexString(),
            ExceptionType = exception?.GetType().FullName,
            StackTrace = Cut(exception?.StackTrace, MaxStack),
            Exception = exception,
            Attempt = context.Attempt,
            FirstOccurrence = now,
            LastOccurrence = now,
            RequestData = context.Redacted(),
            Metadata = FaultContext.Bounded(context.Metadata),
        };
    }

    /// <summary>This fault as the next sighting of an earlier one: it keeps the first time and counts on.</summary>
    /// <param name="earlier">The same fault as it was reported before.</param>
    public Fault After(Fault earlier)
    {
        ArgumentNullException.ThrowIfNull(earlier);
        return this with
        {
            OccurrenceCount = earlier.OccurrenceCount == int.MaxValue ? int.MaxValue : earlier.OccurrenceCount + 1,
            FirstOccurrence = earlier.FirstOccurrence,
            RecoveryAttempts = earlier.RecoveryAttempts,
        };
    }

    private static string? Cut(string? text, int max) =>
        text is null || text.Length <= max ? text : string.Concat(text.AsSpan(0, max - 1), "…");
}
