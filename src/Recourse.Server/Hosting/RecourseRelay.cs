using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Dashboard;
using Recourse.Server.Metrics;
using Recourse.Server.Security;
using Recourse.Server.Telemetry;

namespace Recourse.Server;

/// <summary>Puts a relay into any ASP.NET Core application: <c>services.AddRecourseRelay(…)</c>, then <c>app.MapRecourse()</c>.</summary>
public static class RecourseRelay
{
    /// <summary>
    /// Adds a relay that starts and stops with the application. Its <see cref="MessageStore"/> can be injected: what is committed through
    /// it is
    /// delivered at once.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="options">The configuration, and how its store is opened.</param>
    /// <exception cref="StoreException">The store of the configuration is not known.</exception>
    public static IServiceCollection AddRecourseRelay(this IServiceCollection services, RelayOptions options)
    {
        services.AddRouting();
        services.TryAddSingleton(options.Time);
        services.AddSingleton(options);
        services.AddSingleton<RelayMeters>();
        services.AddSingleton<Relay>();
        services.AddSingleton(provider => provider.GetRequiredService<Relay>().Store);
        services.AddSingleton(GateOf);
        services.AddSingleton(provider => provider.GetRequiredService<Relay>().Replays);
        services.TryAddSingleton<DashboardData>(provider => new RelayDashboardData(provider.GetRequiredService<Relay>()));
        // Before the relay, so that it ends after it: what the last attempts reported is sent too.
        services.AddHostedService<OtlpExport>();
        services.AddHostedService(provider => provider.GetRequiredService<Relay>());
        services.AddHostedService<Upkeep>();
        services.AddHostedService<StoreWatch>();
        services.AddHostedService<ConfigurationWatcher>();
        services.AddOpenApi("v1", OpenApiRoutes.Configure);
        return services;
    }

    /// <summary>
    /// Maps the relay's API, health, metrics, OpenAPI and dashboard. On a route group they stand under its prefix. Every endpoint refuses
    /// requests that pages of
    /// other sites send; authorization is the application's: add it to what is returned.
    /// </summary>
    /// <param name="endpoints">The application, or a group of routes.</param>
    public static IEndpointConventionBuilder MapRecourse(this IEndpointRouteBuilder endpoints)
    {
        var provider = endpoints.ServiceProvider;
        var guard = Guard(provider);
        var group = endpoints.MapGroup("");
        ((IEndpointConventionBuilder)group).Add(guard.Protect);
        var routes = new ApiRoutes(group, provider.GetRequiredService<Relay>());
        MessageRoutes.Map(routes);
        BatchRoutes.Map(routes);
        QueueRoutes.Map(routes);
        DeadLetterRoutes.Map(routes);
        ReplayRoutes.Map(routes);
        ServiceRoutes.Map(routes);
        NodeRoutes.Map(routes);
        StoreRoutes.Map(routes);
        KeyRoutes.Map(routes);
        AuditRoutes.Map(routes);
        HealthRoutes.Map(routes);
        MetricsRoutes.Map(routes);
        OpenApiRoutes.Map(group, routes);
        group.MapDashboard();
        return group;
    }

    private static Gate GateOf(IServiceProvider provider)
    {
        var relay = provider.GetRequiredService<Relay>();
        return new(relay.Keys, () => relay.OpenToAll, () => relay.Store, relay.Meters, provider.GetRequiredService<ILogger<Relay>>(),
            relay.Time);
    }

    internal static RequestGuard Guard(IServiceProvider provider) =>
        new(provider.GetRequiredService<RelayOptions>().HostNames, provider.GetRequiredService<Relay>(),
            provider.GetRequiredService<Gate>(), provider.GetRequiredService<ILogger<Relay>>(),
            provider.GetRequiredService<RelayOptions>().Time);
}
