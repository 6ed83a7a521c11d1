using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Recourse.Tests;

public sealed class RecoveryHandlerTests
{
    private static readonly RetryOptions AtOnce = new() { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.Zero) };

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_status_that_passes_is_retried_and_the_failed_responses_are_disposed_of()
    {
        var server = new ScriptedHandler(503, 502, 200);
        using var response = await Client(server).GetAsync(new Uri("http://a/"), None);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal([true, true, false], server.Responses.Select(each => each.Disposed));
    }

    [Fact]
    public async Task The_last_failed_response_is_the_caller_s()
    {
        var server = new ScriptedHandler(503, 503, 503, 503);
        using var response = await Client(server).GetAsync(new Uri("http://a/"), None);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal([true, true, false], server.Responses.Select(each => each.Disposed));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(409)]
    [InlineData(422)]
    public async Task A_status_that_speaks_against_the_request_is_an_answer(int status)
    {
        var server = new ScriptedHandler(status, 200);
        using var response = await Client(server).GetAsync(new Uri("http://a/"), None);
        Assert.Equal((status, 1), ((int)response.StatusCode, server.Requests.Count));
    }

    [Theory]
    [InlineData("POST", null, null, 1)]
    [InlineData("PATCH", null, null, 1)]
    [InlineData("POST", "key-1", null, 2)]
    [InlineData("POST", null, true, 2)]
    [InlineData("PUT", null, null, 2)]
    [InlineData("DELETE", null, null, 2)]
    [InlineData("PUT", "key-1", false, 1)]
    public async Task What_may_have_happened_is_repeated_only_where_that_does_no_harm(string method, string? key, bool? marked,
        int attempts)
    {
        var server = new ScriptedHandler(503, 200);
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://a/") { Content = new StringContent("{}") };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        if (marked is { } repeatable) request.MarkRepeatable(repeatable);
        using var response = await Client(server).SendAsync(request, None);
        Assert.Equal(attempts, server.Requests.Count);
    }

    [Fact]
    public async Task What_was_refused_had_no_effect_and_is_retried_with_every_method()
    {
        var server = new ScriptedHandler(new HttpRequestException("refused", new SocketException((int)SocketError.ConnectionRefused)),
            429, 200);
        using var response = await Client(server).PostAsync(new Uri("http://a/"), new StringContent("{}"), None);
        Assert.Equal((HttpStatusCode.OK, 3), (response.StatusCode, server.Requests.Count));
    }

    [Fact]
    public async Task A_response_that_an_exception_follows_is_disposed_of()
    {
        var server = new ScriptedHandler(503, new FormatException("broken"));
        await Assert.ThrowsAsync<FormatException>(() => Client(server).GetAsync(new Uri("http://a/"), None));
        Assert.True(Assert.Single(server.Responses).Disposed);
    }

    [Fact]
    public async Task Each_attempt_has_the_whole_body_and_the_caller_s_headers_only()
    {
        var server = new ScriptedHandler(503, 503, 200) { Touches = true };
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes("the whole body"));
        using var request = new HttpRequestMessage(HttpMethod.Put, "http://a/") { Content = new StreamContent(stream) };
        request.Headers.Add("X-Own", "1");
        using var response = await Client(server).SendAsync(request, None);
        Assert.Equal(["the whole body", "the whole body", "the whole body"], server.Requests.Select(each => each.Body));
        Assert.All(server.Requests, each => Assert.Equal(["X-Own"], each.Headers));
    }

    [Fact]
    public async Task A_body_whose_length_is_not_known_is_sent_once_and_the_request_says_why()
    {
        var server = new ScriptedHandler(503, 200);
        using var request = new HttpRequestMessage(HttpMethod.Put, "http://a/") { Content = new EndlessContent("once") };
        using var response = await Client(server).SendAsync(request, None);
        Assert.Equal("once", Assert.Single(server.Requests).Body);
        Assert.True(request.Options.TryGetValue(HttpRecovery.SentOnce, out var why));
        Assert.Contains("length", why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_above_the_bound_is_sent_once_unless_it_is_made_of_bytes()
    {
        var options = Options with { BufferedBytesMax = 4 };
        var (once, again) = (new ScriptedHandler(503, 200), new ScriptedHandler(503, 200));
        using var streamed = await Client(once, options).PutAsync(new Uri("http://a/"), new StreamContent(new MemoryStream(new byte[5])),
            None);
        using var bytes = await Client(again, options).PutAsync(new Uri("http://a/"), new ByteArrayContent(new byte[5]), None);
        Assert.Equal((1, 2), (once.Requests.Count, again.Requests.Count));
    }

    [Fact]
    public async Task JSON_is_written_again_for_each_attempt()
    {
        var server = new ScriptedHandler(503, 200);
        using var response = await Client(server).PutAsJsonAsync(new Uri("http://a/"), new[] { 1, 2, 3 }, None);
        Assert.Equal(["[1,2,3]", "[1,2,3]"], server.Requests.Select(each => each.Body));
    }

    [Theory]
    [InlineData("7", 7)]
    [InlineData("Thu, 01 Jan 2026 00:00:09 GMT", 9)]
    [InlineData("3600", 30)]
    [InlineData("Wed, 31 Dec 2025 00:00:00 GMT", 0)]
    public async Task Retry_After_is_honoured_up_to_its_bound(string value, int seconds)
    {
        var clock = new ManualClock();
        var server = new ScriptedHandler(503, 200) { RetryAfter = value };
        var sending = Client(server, Options with { Time = clock }).GetAsync(new Uri("http://a/"), None);
        if (seconds > 0)
        {
            await clock.WhenArmed();
            Assert.Equal(TimeSpan.FromSeconds(seconds), clock.NextDue);
            clock.Advance(TimeSpan.FromSeconds(seconds));
        }

        using var response = await sending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task One_server_s_breaker_is_not_another_s()
    {
        var server = new ScriptedHandler(500, 200);
        var client = Client(server, Breaking);
        using var first = await client.GetAsync(new Uri("http://a/"), None);
        await Assert.ThrowsAnyAsync<RejectedException>(() => client.GetAsync(new Uri("http://a/other"), None));
        using var second = await client.GetAsync(new Uri("http://a:81/"), None);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
    }

    [Fact]
    public async Task Beyond_the_bound_authorities_share_one_pipeline()
    {
        var server = new ScriptedHandler(200, 500);
        var client = Client(server, Breaking with { AuthoritiesMax = 1 });
        using var first = await client.GetAsync(new Uri("http://a/"), None);
        using var second = await client.GetAsync(new Uri("http://b/"), None);
        await Assert.ThrowsAnyAsync<RejectedException>(() => client.GetAsync(new Uri("http://c/"), None));
    }

    [Fact]
    public async Task Breakers_outlive_the_handlers_of_the_factory()
    {
        var server = new ScriptedHandler(500, 200);
        var services = new ServiceCollection();
        services.AddHttpClient("shop").ConfigurePrimaryHttpMessageHandler(() => server).AddRecoveryHandler(Breaking);
        await using var provider = services.BuildServiceProvider();
        var handlers = provider.GetRequiredService<IHttpMessageHandlerFactory>();
        using var first = await new HttpMessageInvoker(handlers.CreateHandler("shop"), false).SendAsync(new(HttpMethod.Get, "http://a/"),
            None);
        await using var scope = provider.CreateAsyncScope();
        var again = scope.ServiceProvider.GetRequiredService<IHttpClientFactory>().CreateClient("shop");
        await Assert.ThrowsAnyAsync<RejectedException>(() => again.GetAsync(new Uri("http://a/"), None));
    }

    [Fact]
    public void A_synchronous_request_is_refused_with_the_way_out() =>
        Assert.Contains("SendAsync", Assert.Throws<NotSupportedException>(() =>
            Client(new ScriptedHandler(200)).Send(new HttpRequestMessage(HttpMethod.Get, "http://a/"), None)).Message,
                StringComparison.Ordinal);

    [Fact]
    public void A_bound_out_of_range_is_named() =>
        Assert.Contains("AuthoritiesMax is 0", Assert.Throws<InvalidOptionsException>(() =>
            new ServiceCollection().AddHttpClient("x").AddRecoveryHandler(new() { AuthoritiesMax = 0 })).Message, StringComparison.Ordinal);

    [Fact]
    public async Task The_defaults_make_a_pipeline_without_warnings_that_delivers()
    {
        using var response = await Client(new ScriptedHandler(200), new()).GetAsync(new Uri("http://a/"), None);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static RecoveryHandlerOptions Options { get; } = new() { Configure = pipeline => pipeline.Retry(AtOnce) };

    private static RecoveryHandlerOptions Breaking { get; } = new()
    {
        Configure = pipeline =>
        pipeline.CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 })
    };

    private static HttpClient Client(ScriptedHandler server, RecoveryHandlerOptions? options = null)
    {
        var services = new ServiceCollection();
        services.AddHttpClient("shop").ConfigurePrimaryHttpMessageHandler(() => server).AddRecoveryHandler(options ?? Options);
        return services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("shop");
    }

    /// <summary>Content whose length is not known before it is written.</summary>
    private sealed class EndlessContent(string text) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            stream.WriteAsync(Encoding.UTF8.GetBytes(text)).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
