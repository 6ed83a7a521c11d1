using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Recourse.Durable;
using Recourse.Server.Metrics;

namespace Recourse.Server.Telemetry;

/// <summary>Sends traces and metrics by OTLP while the relay runs, where <c>telemetry.otlp</c> says so. A receiver that is away costs what
/// was to be sent, and nothing else.</summary>
internal sealed class OtlpExport(RelayOptions options, ILogger<OtlpExport> logger) : IHostedService, IDisposable
{
    private static readonly TimeSpan FlushWithin = TimeSpan.FromSeconds(3);

    private readonly TelemetryConfiguration _telemetry = options.Configuration.Telemetry;
    private TracerProvider? _traces;
    private MeterProvider? _metrics;
    private OtlpTrouble? _trouble;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_telemetry.Otlp is null)
            return Task.CompletedTask;
        _trouble = new(logger, options.Time, _telemetry.Otlp);
        var resource = ResourceBuilder.CreateEmpty()
            .AddService(_telemetry.ServiceName, serviceVersion: typeof(OtlpExport).Assembly.GetName().Version?.ToString(3),
                autoGenerateServiceInstanceId: false, serviceInstanceId: options.Node);
        if (_telemetry.Traces)
        {
            _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
                .AddSource(RecourseDiagnostics.Name, MessagingDiagnostics.Name)
                .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(_telemetry.SamplePercent / 100d)))
                .AddOtlpExporter(exporter => Configure(exporter, "v1/traces")).Build();
        }
        if (_telemetry.Metrics)
        {
            _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource)
                .AddMeter(RecourseDiagnostics.Name, MessagingDiagnostics.Name, RelayMeters.MeterName)
                .AddOtlpExporter((exporter, reader) =>
                {
                    Configure(exporter, "v1/metrics");
                    reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)_telemetry.Interval.TotalMilliseconds;
                }).Build();
        }
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        _traces?.Shutdown((int)FlushWithin.TotalMilliseconds);
        _metrics?.Shutdown((int)FlushWithin.TotalMilliseconds);
    }, CancellationToken.None);

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
        _trouble?.Dispose();
    }

    private void Configure(OtlpExporterOptions exporter, string path)
    {
        exporter.Protocol = _telemetry.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        exporter.Endpoint = _telemetry.Grpc ? _telemetry.Otlp! : new Uri($"{_telemetry.Otlp!.ToString().TrimEnd('/')}/{path}");
        // By the form of the OTLP specification: names and values are percent-encoded.
        exporter.Headers = string.Join(',', _telemetry.Headers.Select(header => $"{header.Key}={Uri.EscapeDataString(header.Value)}"));
    }
}
