using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Recourse.Tests;

/// <summary>
/// Calls in the shape of gRPC, over real HTTP/2, through the handler: frames with a length in front, the status among the headers or in the
/// trailers. What a gRPC client does with an HttpClient, without the client.
/// </summary>
public sealed class GrpcShapeTests : IAsyncLifetime
{
    private readonly Queue<string> _answers = new();
    private WebApplication _server = null!;
    private int _calls;

    private static CancellationToken None => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, port => port.Protocols = HttpProtocols.Http2));
        _server = builder.Build();
        _server.Run(AnswerAsync);
        await _server.StartAsync(None);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_call_that_works_comes_through_with_its_messages_and_its_trailers()
    {
        _answers.Enqueue("message 0");
        using var response = await Client().SendAsync(Request(), HttpCompletionOption.ResponseHeadersRead, None);
        Assert.Equal("echo", Unframed(await response.Content.ReadAsByteArrayAsync(None)));
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal(HttpVersion.Version20, response.Version);
    }

    [Fact]
    public async Task A_service_that_is_unavailable_is_asked_again_where_the_call_may_be_repeated()
    {
        foreach (var answer in (string[])["status 14", "status 14", "message 0"]) _answers.Enqueue(answer);
        using var response = await Client().SendAsync(Request().MarkRepeatable(), None);
        Assert.Equal("echo", Unframed(await response.Content.ReadAsByteArrayAsync(None)));
        Assert.True(response.RequestMessage!.Options.TryGetValue(HttpRecovery.Attempts, out var attempts));
        Assert.All(attempts, attempt => Assert.Equal(("grpc", "14"), (attempt.Classification.Family, attempt.Classification.Code)));
        Assert.Equal(3, _calls);
    }

    [Theory]
    [InlineData("3")]
    [InlineData("5")]
    [InlineData("7")]
    public async Task A_status_that_speaks_against_the_call_is_an_answer(string status)
    {
        _answers.Enqueue($"status {status}");
        var client = Client(pipeline => pipeline.Retry(3, Backoff.Constant(TimeSpan.Zero))
            .CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 }));
        using var response = await client.SendAsync(Request().MarkRepeatable(), None);
        Assert.Equal(status, response.Headers.GetValues("grpc-status").Single());
        _answers.Enqueue("message 0");
        using var next = await client.SendAsync(Request(), None);
        Assert.Equal(2, _calls);
    }

    [Fact]
    public async Task A_stream_of_messages_is_sent_once_and_its_failures_open_the_circuit_of_its_server()
    {
        _answers.Enqueue("status 14");
        var client = Client(pipeline => pipeline.Retry(3, Backoff.Constant(TimeSpan.Zero))
            .CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 }));
        using var request = Request(streams: true).MarkRepeatable();
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, None);
        Assert.Equal("14", response.Headers.GetValues("grpc-status").Single());
        Assert.True(request.Options.TryGetValue(HttpRecovery.SentOnce, out _));
        await Assert.ThrowsAsync<CircuitOpenException>(() => client.SendAsync(Request(), None));
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task A_status_behind_messages_is_the_caller_s_to_read_and_no_failure_here()
    {
        _answers.Enqueue("message 14");
        using var response = await Client().SendAsync(Request().MarkRepeatable(), HttpCompletionOption.ResponseHeadersRead, None);
        await response.Content.ReadAsByteArrayAsync(None);
        Assert.Equal("14", response.TrailingHeaders.GetValues("grpc-status").Single());
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task A_proxy_s_503_before_the_service_is_retried_like_any_other()
    {
        _answers.Enqueue("http 503");
        _answers.Enqueue("message 0");
        using var response = await Client().SendAsync(Request().MarkRepeatable(), None);
        Assert.Equal((HttpStatusCode.OK, 2), (response.StatusCode, _calls));
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _calls);
        var answer = _answers.Dequeue().Split(' ');
        context.Response.ContentType = "application/grpc";
        switch (answer[0])
        {
            case "http":
                context.Response.StatusCode = int.Parse(answer[1]);
                return;
            case "status":
                context.Response.Headers["grpc-status"] = answer[1];
                return;
            default:
                await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
                context.Response.AppendTrailer("grpc-status", answer[1]);
                return;
        }
    }

    private HttpRequestMessage Request(bool streams = false)
    {
        var address = _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        HttpContent content = streams ? new StreamedMessage(Framed("echo")) : new ByteArrayContent(Framed("echo"));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        return new HttpRequestMessage(HttpMethod.Post, new Uri(new Uri(address), "/shop.Orders/Place"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
            Headers = { { "te", "trailers" } },
        };
    }

    private static HttpClient Client(Action<PipelineBuilder>? configure = null)
    {
        var services = new ServiceCollection();
        services.AddHttpClient("grpc").AddRecoveryHandler(new()
        {
            Configure = configure ?? (pipeline => pipeline.Retry(3, Backoff.Constant(TimeSpan.Zero))),
        });
        return services.BuildServiceProvider().GetRequiredService<IHttpClientFactory>().CreateClient("grpc");
    }

    // Not compressed, and the length of the message in four bytes.
    private static byte[] Framed(string message)
    {
        var frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        System.Text.Encoding.ASCII.GetBytes(message, frame.AsSpan(5));
        return frame;
    }

    private static string Unframed(byte[] frame) => System.Text.Encoding.ASCII.GetString(frame, 5, frame.Length - 5);

    /// <summary>A message as a gRPC client writes it: of a length that is not known before.</summary>
    private sealed class StreamedMessage(byte[] frame) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => stream.WriteAsync(frame).AsTask();

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
