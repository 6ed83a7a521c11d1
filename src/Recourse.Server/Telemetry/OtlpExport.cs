using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Recourse.Server.Telemetry;

/// <summary>Sends spans and metrics to a collector by OTLP, when the configuration names one. What it cannot send it drops: a collector
/// that is away holds nothing up.</summary>
internal sealed class OtlpExport(RelayOptions options) : IHostedService, IDisposable
{
    private TracerProvider? _tracer;
    private MeterProvider? _meter;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.Configuration.Telemetry is not { Otlp: not null } telemetry)
            return Task.CompletedTask;
        var resource = ResourceBuilder.CreateEmpty()
            .AddService(telemetry.ServiceName, serviceVersion: RelayVersion.Text, serviceInstanceId: options.Node);
        _tracer = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource)
            .AddSource(MessagingTelemetry.SourceName, RecourseDiagnostics.Name)
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(telemetry.SamplePercent / 100d)))
            .AddOtlpExporter(otlp => Set(otlp, telemetry, "v1/traces")).Build();
        _meter = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter("Recourse*")
            .AddOtlpExporter((otlp, reader) =>
            {
                Set(otlp, telemetry, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)telemetry.MetricsInterval.TotalMilliseconds;
            }).Build();
        return Task.CompletedTask;
    }

    private static void Set(OtlpExporterOptions otlp, TelemetryConfiguration telemetry, string path)
    {
        var http = telemetry.Protocol == "http";
        otlp.Protocol = http ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        // The paths of OTLP over HTTP stand behind the collector's address; gRPC has none.
        otlp.Endpoint = http ? new(telemetry.Otlp!.AbsoluteUri.TrimEnd('/') + "/" + path) : telemetry.Otlp!;
        otlp.Headers = string.Join(',', telemetry.Headers.Select(header => $"{header.Key}={Uri.EscapeDataString(header.Value)}"));
        otlp.TimeoutMilliseconds = 5_000;
    }

    /// <summary>Sends what is left, for at most five seconds.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await Task.Run(() =>
        {
            _tracer?.ForceFlush(5_000);
            _meter?.ForceFlush(5_000);
        }, CancellationToken.None);
        Dispose();
    }

    public void Dispose()
    {
        _tracer?.Dispose();
        _meter?.Dispose();
        (_tracer, _meter) = (null, null);
    }
}
