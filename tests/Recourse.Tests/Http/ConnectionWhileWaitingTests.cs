using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Recourse.Tests;

/// <summary>One connection to a real server: who has it while a retry waits.</summary>
public sealed class ConnectionWhileWaitingTests : IAsyncLifetime
{
    private readonly ManualClock _clock = new();
    private WebApplication _server = null!;
    private Uri _address = null!;
    private int _failures = 1;

    private static CancellationToken None => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _server = builder.Build();
        _server.Run(context =>
        {
            // Of a length that is not known before, as problem details are.
            var fails = context.Request.Path == "/fails" && _failures-- > 0;
            context.Response.StatusCode = fails ? 503 : 200;
            return context.Response.WriteAsync(fails ? "not now" : "fine", context.RequestAborted);
        });
        await _server.StartAsync(None);
        _address = new Uri(_server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task The_only_connection_serves_other_requests_while_the_retry_of_a_failed_one_waits()
    {
        using var client = Client(pipeline => pipeline.Retry(2, Backoff.Constant(TimeSpan.FromSeconds(1))));
        var failing = client.GetAsync(new Uri(_address, "/fails"), HttpCompletionOption.ResponseHeadersRead, None);
        await _clock.WhenArmed();
        Assert.Equal("fine", await client.GetStringAsync(_address, None));
        _clock.Advance(TimeSpan.FromSeconds(1));
        using var response = await failing;
        Assert.Equal("fine", await response.Content.ReadAsStringAsync(None));
    }

    [Fact]
    public async Task A_response_that_is_returned_because_the_circuit_opened_can_be_read()
    {
        using var client = Client(pipeline => pipeline.Retry(3, Backoff.Constant(TimeSpan.Zero))
            .CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 }));
        using var response = await client.GetAsync(new Uri(_address, "/fails"), HttpCompletionOption.ResponseHeadersRead, None);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("not now", await response.Content.ReadAsStringAsync(None));
    }

    private HttpClient Client(Action<PipelineBuilder> configure)
    {
        var services = new ServiceCollection();
        services.AddHttpClient("one")
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { MaxConnectionsPerServer = 1 })
            .AddRecoveryHandler(new() { Time = _clock, Configure = configure });
        return services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("one");
    }
}
