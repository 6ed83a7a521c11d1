using System.Diagnostics.Tracing;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Recourse.Server.Dashboard;

namespace Recourse.Server.Telemetry;

/// <summary>Tells the log, once in a while, that exports fail: the exporter itself only says so to an event source.</summary>
internal sealed partial class OtlpTrouble(ILogger logger, TimeProvider time, Uri receiver) : EventListener
{
    private const string Exporter = "OpenTelemetry-Exporter-OpenTelemetryProtocol";
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private long? _toldAt;

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == Exporter)
            EnableEvents(eventSource, EventLevel.Warning);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // The base class calls this from its own constructor as well, for what is there already.
        if (_lock is null || eventData.EventSource.Name != Exporter)
            return;
        lock (_lock)
        {
            if (_toldAt is { } told && time.GetElapsedTime(told) < Pause)
                return;
            _toldAt = time.GetTimestamp();
        }
        var text = eventData.Message ?? eventData.EventName ?? "";
        var words = string.Format(CultureInfo.InvariantCulture, text, [.. eventData.Payload ?? []]);
        ExportFailed(logger, receiver, words.Split('\n')[0], Wording.Span(Pause));
    }

    [LoggerMessage(1, LogLevel.Warning, "Telemetry could not be sent to {Receiver}; what it held is lost. Told again after {Pause} at the "
        + "earliest. {Words}")]
    private static partial void ExportFailed(ILogger logger, Uri receiver, string words, string pause);
}
