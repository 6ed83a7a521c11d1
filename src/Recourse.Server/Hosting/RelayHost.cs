using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Recourse.Server;

/// <summary>
/// A relay in a process of its own: Kestrel, the API, the dashboard. Nothing from environment variables or settings files counts, only the
/// options.
/// </summary>
public sealed class RelayHost : IAsyncDisposable
{
    private readonly WebApplication _application;

    private RelayHost(WebApplication application) => _application = application;

    /// <summary>Where it listens: with the real ports, after port 0.</summary>
    public IReadOnlyList<Uri> Addresses { get; private set; } = [];

    /// <summary>
    /// Opens the store, then begins to deliver, then listens. When the task ends, everything works.
    /// </summary>
    /// <exception cref="Durable.StoreException">The store cannot be used; the message says what to do.</exception>
    /// <exception cref="UnlockedDoorException">It would listen beyond loopback without any key.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">An address cannot be listened on, for example because the port is taken;
    /// the store was not opened.</exception>
    /// <exception cref="IOException">The same, when it is only found while the listener starts.</exception>
    public static async Task<RelayHost> StartAsync(RelayOptions options, Action<ILoggingBuilder>? logging = null,
        CancellationToken cancellationToken = default)
    {
        options = options with { Standalone = true };
        // Before the store: whoever starts a second relay by mistake must not find a new store file beside it.
        foreach (var address in options.Configuration.Listen)
            ListenAddress.CheckFree(address);
        var builder = WebApplication.CreateEmptyBuilder(new() { ApplicationName = typeof(RelayHost).Assembly.GetName().Name });
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // Kestrel reports clients that misbehave, and hosts report what the exception says again; both would be stack traces in the log.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.BadRequests", LogLevel.None);
        logging?.Invoke(builder.Logging);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration()
            .ConfigureKestrel(kestrel => Configure(kestrel, options));
        builder.Services.AddRecourseRelay(options);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Configuration.ShutdownGrace
            + TimeSpan.FromSeconds(20));
        var application = builder.Build();
        var guard = RecourseRelay.Guard(application.Services);
        application.UseRouting();
        application.Use(next => http => guard.UnmatchedAsync(http, next));
        application.MapRecourse();
        var host = new RelayHost(application);
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }
        var listening = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!;
        host.Addresses = [.. listening.Addresses.Select(text => new Uri(text))];
        return host;
    }

    /// <summary>
    /// Answers new messages with 503, waits for attempts under way up to <c>shutdown_grace</c>, gives the rest back, and closes the
    /// listener last. Cancelling ends the waiting.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => _application.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _application.DisposeAsync();

    internal IServiceProvider Services => _application.Services;

    internal IReadOnlyList<Endpoint> Endpoints() =>
        _application.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>().Endpoints;

    private static void Configure(KestrelServerOptions kestrel, RelayOptions options)
    {
        var configuration = options.Configuration;
        kestrel.AddServerHeader = false;
        var limits = kestrel.Limits;
        // Bodies have bounds of their own where they are read; everything else is small.
        limits.MaxRequestBodySize = 64 * 1024;
        limits.MaxRequestHeadersTotalSize = 16 * 1024;
        limits.MaxRequestHeaderCount = 64;
        limits.MaxRequestLineSize = 8 * 1024;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
        limits.MinRequestBodyDataRate = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromSeconds(5));
        limits.MaxConcurrentConnections = configuration.Limits.MaxConnections;
        var certificate = configuration.Tls is { } tls && configuration.Listen.Any(address => address.Scheme == "https")
            ? new ServerCertificate(tls, options.Time, () => kestrel.ApplicationServices.GetService<ILogger<Relay>>()) : null;
        foreach (var address in configuration.Listen)
        {
            if (address.Host == "localhost" && address.Port != 0)
                kestrel.ListenLocalhost(address.Port, listen => Protocol(listen, address, certificate));
            else
                kestrel.Listen(address.Host == "localhost" ? IPAddress.Loopback
                    : IPAddress.Parse(address.DnsSafeHost), address.Port, listen => Protocol(listen, address, certificate));
        }
    }

    private static void Protocol(ListenOptions listen, Uri address, ServerCertificate? certificate)
    {
        listen.Protocols = HttpProtocols.Http1;
        if (address.Scheme != "https")
            return;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => new(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate!.Current(),
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            }),
        });
    }
}
