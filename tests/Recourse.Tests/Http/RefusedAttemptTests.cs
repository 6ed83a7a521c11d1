using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace Recourse.Tests;

/// <summary>What a client gets when the engine refuses a further attempt.</summary>
public sealed class RefusedAttemptTests
{
    /// <summary>What is read of a failed response before the retry waits.</summary>
    private const int BytesMax = 64 * 1024;

    private static readonly Uri Address = new("http://a/");

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_last_real_response_is_returned_open_when_the_circuit_opens_between_the_attempts()
    {
        var server = new ScriptedHandler(503, 502, 200);
        using var response = await Client(server, Breaking(2)).GetAsync(Address, None);
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal([true, false], server.Responses.Select(each => each.Disposed));
        Assert.True(response.RequestMessage!.Options.TryGetValue(HttpRecovery.Attempts, out var attempts));
        Assert.Equal([FaultKind.ServiceUnavailable, FaultKind.BadGateway, FaultKind.CircuitOpen],
            attempts.Select(each => each.Classification.Kind));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_newer_of_an_exception_and_a_response_wins(bool responseLast)
    {
        Exception refused = new HttpRequestException("refused", new SocketException((int)SocketError.ConnectionRefused));
        var server = responseLast ? new ScriptedHandler(refused, 503) : new ScriptedHandler(503, refused);
        using var request = new HttpRequestMessage(HttpMethod.Get, Address);
        var sending = Client(server, Breaking(2)).SendAsync(request, None);
        if (responseLast)
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await sending).StatusCode);
        }
        else
        {
            var thrown = await Assert.ThrowsAsync<HttpRequestException>(() => sending);
            Assert.Same(refused, thrown);
            Assert.Equal(FaultKind.CircuitOpen, RecoveryHistory.Of(thrown)[^1].Classification.Kind);
        }

        Assert.Equal(!responseLast, Assert.Single(server.Responses).Disposed);
        Assert.True(request.Options.TryGetValue(HttpRecovery.Attempts, out var attempts));
        Assert.Equal(3, attempts.Count);
    }

    [Fact]
    public async Task A_request_that_was_never_sent_ends_with_the_refusal()
    {
        var server = new ScriptedHandler(503, 200);
        var client = Client(server, Breaking(1));
        using var first = await client.GetAsync(Address, None);
        await Assert.ThrowsAsync<CircuitOpenException>(() => client.GetAsync(Address, None));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task The_body_of_a_failed_response_is_read_so_that_its_connection_is_free_while_the_retry_waits()
    {
        var clock = new ManualClock();
        var body = new CountedContent(new byte[1000]);
        var server = new ScriptedHandler(503, 200) { Bodies = [body, new ByteArrayContent([])] };
        var sending = Client(server, new() { Time = clock, Configure = WaitsOneSecond })
            .GetAsync(Address, HttpCompletionOption.ResponseHeadersRead, None);
        await clock.WhenArmed();
        Assert.True(body.ReadToItsEnd);
        Assert.False(server.Responses[0].Disposed);
        clock.Advance(TimeSpan.FromSeconds(1));
        using var response = await sending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(server.Responses[0].Disposed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(BytesMax - 1)]
    [InlineData(BytesMax)]
    [InlineData(BytesMax + 1)]
    [InlineData(5 * BytesMax)]
    public async Task The_body_that_the_caller_gets_is_whole_whatever_its_length(int length)
    {
        var bytes = new byte[length];
        new Random(7).NextBytes(bytes);
        foreach (var known in (bool[])[true, false])
        {
            using var body = new CountedContent(bytes) { Known = known };
            body.Headers.ContentType = new("application/problem+json");
            var server = new ScriptedHandler(503) { Bodies = [body] };
            using var response = await Client(server, Breaking(1)).GetAsync(Address, HttpCompletionOption.ResponseHeadersRead, None);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
            Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync(None));
        }
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_the_failure_of_its_attempt()
    {
        var broken = new CountedContent(new byte[10]) { Breaks = true };
        var server = new ScriptedHandler(503, 200) { Bodies = [broken, new ByteArrayContent([])] };
        using var response = await Client(server, new() { Configure = pipeline => pipeline.Retry(2, Backoff.Constant(TimeSpan.Zero)) })
            .GetAsync(Address, None);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.True(server.Responses[0].Disposed);
        Assert.True(response.RequestMessage!.Options.TryGetValue(HttpRecovery.Attempts, out var attempts));
        Assert.IsType<IOException>(Assert.Single(attempts).Exception);
    }

    private static void WaitsOneSecond(PipelineBuilder pipeline) => pipeline.Retry(2, Backoff.Constant(TimeSpan.FromSeconds(1)));

    private static RecoveryHandlerOptions Breaking(int threshold) => new()
    {
        Configure = pipeline => pipeline.Retry(new RetryOptions { MaxAttempts = 5, Backoff = Backoff.Constant(TimeSpan.Zero) })
            .CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = threshold }),
    };

    private static HttpClient Client(ScriptedHandler server, RecoveryHandlerOptions options)
    {
        var services = new ServiceCollection();
        services.AddHttpClient("shop").ConfigurePrimaryHttpMessageHandler(() => server).AddRecoveryHandler(options);
        return services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("shop");
    }

    /// <summary>A body as it comes from a socket: read once, with or without a length known before.</summary>
    private sealed class CountedContent(byte[] bytes) : HttpContent
    {
        internal bool Known { get; init; } = true;

        internal bool Breaks { get; init; }

        internal bool ReadToItsEnd { get; private set; }

        protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(new Socket(this, bytes));

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            new Socket(this, bytes).CopyToAsync(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return Known;
        }

        private sealed class Socket(CountedContent content, byte[] bytes) : MemoryStream(bytes)
        {
            public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            {
                await Task.Yield();
                var some = buffer[..Math.Min(buffer.Length, 3000)];
                var length = await base.ReadAsync(some, cancellationToken);
                if (length > 0) return length;
                if (content.Breaks) throw new IOException("The connection was cut.");
                content.ReadToItsEnd = true;
                return 0;
            }
        }
    }
}
