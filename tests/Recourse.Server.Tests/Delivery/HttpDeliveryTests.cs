using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using Recourse.Cli.Demo;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests;

public class HttpDeliveryTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static CancellationToken None => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("text/plain\r\nX-Admin: 1")]
    [InlineData("text/plain\nX-Admin: 1")]
    [InlineData("text/plain\0")]
    public void A_content_type_of_several_lines_is_not_sent(string type)
    {
        using var content = new DeliveryContent("{}"u8.ToArray(), type);
        Assert.Empty(content.Headers.NonValidated);
    }

    [Fact]
    public async Task The_body_and_its_type_arrive_as_they_came()
    {
        await using var server = ScriptedServer.Says(Ok);
        var body = new byte[70_000];
        new Random(7).NextBytes(body);
        var result = await SendAsync(server.Url, Delivery() with { Body = body, ContentType = "application/;;not a type" });
        var request = await server.RequestAsync();
        Assert.Equal(("200", (Classification?)null), (result.Status, result.Fault));
        Assert.Equal(body, request.Body);
        Assert.Equal("application/;;not a type", request["Content-Type"]);
    }

    [Fact]
    public async Task The_request_is_plain_HTTP_1_1_with_a_length()
    {
        await using var server = ScriptedServer.Says(Ok);
        await SendAsync(server.Url, Delivery());
        var request = await server.RequestAsync();
        Assert.Equal("POST /in?x=1 HTTP/1.1", request.Line);
        Assert.Equal("2", request["Content-Length"]);
        string[] absent = ["Transfer-Encoding", "Expect", "Cookie", "Authorization", "Accept-Encoding"];
        Assert.All(absent, name => Assert.Null(request[name]));
    }

    [Fact]
    public async Task An_empty_body_has_the_length_zero()
    {
        await using var server = ScriptedServer.Says(Ok);
        await SendAsync(server.Url, Delivery() with { Body = default, ContentType = null });
        var request = await server.RequestAsync();
        Assert.Equal(("0", null), (request["Content-Length"], request["Content-Type"]));
    }

    [Fact]
    public async Task The_headers_say_what_is_delivered()
    {
        await using var server = ScriptedServer.Says(Ok);
        var delivery = Delivery();
        await SendAsync(server.Url, delivery);
        var request = await server.RequestAsync();
        Assert.Equal(delivery.Id.MessageId.ToString(), request["Recourse-Message-Id"]);
        Assert.Equal(delivery.Id.ToString(), request["Recourse-Delivery-Id"]);
        Assert.Equal(("4", "1", "key-1"), (request["Recourse-Attempt"], request["Recourse-Generation"], request["Idempotency-Key"]));
        Assert.Equal("00-11111111111111111111111111111111-2222222222222222-01", request["traceparent"]);
    }

    [Fact]
    public async Task While_attempts_are_traced_the_service_works_in_the_trace_of_the_attempt()
    {
        using var source = new ActivitySource(MessagingDiagnostics.Name);
        using var listener = new ActivityListener
        {
            ShouldListenTo = each => ReferenceEquals(each, source),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        await using var server = ScriptedServer.Says(Ok);
        using var attempt = source.StartActivity("process orders", ActivityKind.Consumer)!;
        await SendAsync(server.Url, Delivery());
        Assert.Equal(attempt.Id, (await server.RequestAsync())["traceparent"]);
    }

    [Fact]
    public async Task Of_the_sender_s_headers_only_the_allowed_go_on()
    {
        await using var server = ScriptedServer.Says(Ok);
        var delivery = Delivery() with
        {
            Headers = new Dictionary<string, string>
            {
                ["ce-type"] = "order.made",
                ["X-Tenant"] = "grün",
                ["X-Other"] = "no",
                ["Authorization"] = "Bearer sender",
                ["Cookie"] = "a=b",
                ["Host"] = "elsewhere",
                ["Connection"] = "close",
                ["Recourse-Attempt"] = "99",
                ["X-Api"] = "the sender's",
                ["X-Broken"] = "a\r\nInjected: yes",
            },
        };
        await SendAsync(server.Url, delivery, target => target with
        {
            Headers = new Dictionary<string, string>
            {
                ["Authorization"] = "Bearer ours",
                ["X-Api"] = "ours",
                ["Transfer-Encoding"] = "chunked"
            },
            AllowedHeaders = ["x-tenant", "authorization", "cookie", "host", "connection", "recourse-attempt", "x-api", "x-broken"],
        });
        var request = await server.RequestAsync();
        Assert.Equal(("order.made", "4", "Bearer ours", "ours"),
            (request["ce-type"], request["Recourse-Attempt"], request["Authorization"], request["X-Api"]));
        Assert.Equal("grün", Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(request["X-Tenant"]!)));
        Assert.Equal(server.Url.Authority, request["Host"]);
        string[] absent = ["X-Other", "Cookie", "Connection", "X-Broken", "Injected", "Transfer-Encoding"];
        Assert.All(absent, name => Assert.Null(request[name]));
    }

    [Fact]
    public async Task A_refused_connection_had_no_effect()
    {
        var url = new Uri($"http://127.0.0.1:{LoopbackPort.Free()}/");
        Fails(await SendAsync(url, Delivery()), FaultKind.ConnectionRefused, Applied.No, Persistence.Transient);
    }

    [Fact]
    public async Task A_name_that_does_not_resolve_had_no_effect() =>
        Fails(await SendAsync(new Uri("http://nosuchhost.invalid/"), Delivery()), FaultKind.DnsResolution, Applied.No);

    [Fact]
    public async Task A_certificate_that_is_not_trusted_had_no_effect_and_stays()
    {
        await using var server = new ScriptedServer((_, _, _) => Task.CompletedTask, tls: true);
        Fails(await SendAsync(server.Url, Delivery()), FaultKind.TlsFailure, Applied.No, Persistence.Permanent);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-")]
    public async Task A_connection_that_is_reset_before_the_answer_stands_may_have_had_an_effect(string begun)
    {
        await using var server = ScriptedServer.ResetsAfter(begun);
        Fails(await SendAsync(server.Url, Delivery()), FaultKind.ConnectionReset, Applied.Maybe, Persistence.Transient);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task A_connection_that_ends_before_the_answer_stands_is_not_tried_again_in_memory()
    {
        await using var server = new ScriptedServer((_, _, socket) =>
        {
            socket.Shutdown(SocketShutdown.Both);
            return Task.CompletedTask;
        });
        Fails(await SendAsync(server.Url, Delivery()), FaultKind.ConnectionReset, Applied.Maybe);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task An_answer_that_is_no_HTTP_is_the_service_s_fault()
    {
        await using var server = ScriptedServer.Says("SSH-2.0-OpenSSH_9.2\r\n\r\n");
        Fails(await SendAsync(server.Url, Delivery()), FaultKind.BadGateway, Applied.Maybe);
    }

    [Fact]
    public async Task A_timeout_while_the_service_works_may_have_had_an_effect()
    {
        await using var server = new ScriptedServer((_, _, _) => Task.CompletedTask);
        using var timeout = new CancellationTokenSource();
        var sending = SendCancelledAsync(server.Url, timeout.Token);
        await server.RequestAsync();
        await timeout.CancelAsync();
        var cancelled = await Assert.ThrowsAsync<AttemptCancelledException>(() => sending);
        Assert.Equal(Applied.Maybe, cancelled.Applied);
    }

    [Fact]
    public async Task A_timeout_before_anything_was_sent_had_no_effect()
    {
        var cancelled = await Assert.ThrowsAsync<AttemptCancelledException>(
            () => SendCancelledAsync(new Uri("http://127.0.0.1:9/"), new CancellationToken(true)));
        Assert.Equal(Applied.No, cancelled.Applied);
    }

    [Theory]
    [InlineData("17", 17.0)]
    [InlineData("0", 0.0)]
    [InlineData("Thu, 01 Jan 2026 00:02:00 GMT", 120.0)]
    [InlineData("Wed, 31 Dec 2025 23:00:00 GMT", 0.0)]
    [InlineData("soon", null)]
    [InlineData("-5", null)]
    public async Task Retry_After_is_read_in_seconds_and_as_a_date(string value, double? seconds)
    {
        await using var server = ScriptedServer.Says($"HTTP/1.1 503 Busy\r\nRetry-After: {value}\r\nContent-Length: 4\r\n\r\nlate");
        var result = await SendAsync(server.Url, Delivery());
        Fails(result, FaultKind.ServiceUnavailable, result.Fault!.Applied, Persistence.Transient);
        Assert.Equal(seconds, result.RetryAfter?.TotalSeconds);
        Assert.Equal(("503", "HTTP 503 Busy: late"), (result.Status, result.Error));
    }

    [Theory]
    [InlineData(400, FaultKind.BadRequest, Blame.Message)]
    [InlineData(422, FaultKind.ValidationError, Blame.Message)]
    [InlineData(429, FaultKind.RateLimitExceeded, Blame.Service)]
    [InlineData(500, FaultKind.InternalError, Blame.Service)]
    public async Task A_status_is_classified_by_the_table(int status, FaultKind kind, Blame blame)
    {
        await using var server = ScriptedServer.Says($"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        var result = await SendAsync(server.Url, Delivery());
        Assert.Equal((kind, blame), (result.Fault!.Kind, result.Fault.Blame));
    }

    [Fact]
    public async Task Other_statuses_can_mean_delivered()
    {
        await using var server = ScriptedServer.Says("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n");
        Func<ServiceTarget, ServiceTarget> with = target => target with { SuccessStatuses = [(202, 202), (409, 410)] };
        Assert.Null((await SendAsync(server.Url, Delivery(), with)).Fault);
        await using var ok = ScriptedServer.Says(Ok);
        Assert.Equal(Blame.Unknown, (await SendAsync(ok.Url, Delivery(), with)).Fault!.Blame);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var server = ScriptedServer.Says("HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
        var result = await SendAsync(server.Url, Delivery());
        Fails(result, FaultKind.ConfigurationError, Applied.No);
        Assert.Contains("http://127.0.0.1:1/", result.Error, StringComparison.Ordinal);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task Of_a_huge_answer_only_the_beginning_is_read()
    {
        await using var server = new ScriptedServer(async (_, stream, _) =>
        {
            await stream.WriteAsync("HTTP/1.1 500 Oops\r\nContent-Length: 1000000000\r\n\r\n"u8.ToArray());
            // Until the client hangs up.
            while (true) await stream.WriteAsync(Encoding.ASCII.GetBytes(new string('x', 10_000)));
        });
        var result = await SendAsync(server.Url, Delivery());
        Assert.Equal("HTTP 500 Oops: ".Length + 1_024, result.Error!.Length);
    }

    [Fact]
    public async Task An_error_text_is_one_line()
    {
        await using var server = ScriptedServer.Says("HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\na\r\nb\tc\0\u00FFd");
        Assert.Equal("HTTP 500 Oops: a  b c \uFFFDd", (await SendAsync(server.Url, Delivery())).Error);
    }

    [Fact]
    public async Task A_service_without_an_address_waits()
    {
        var result = await SendAsync(null, Delivery());
        Fails(result, FaultKind.ConfigurationError, Applied.No);
        Assert.Contains("services.orders.url", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Connections_are_used_again_also_after_a_reload()
    {
        await using var server = ScriptedServer.Says(Ok);
        using var http = new HttpDelivery([new ServiceTarget { Name = "orders", Url = server.Url }]);
        await http.DeliverAsync(Delivery(), None);
        http.Update([new ServiceTarget { Name = "orders", Url = server.Url, Method = "PUT" }]);
        await http.DeliverAsync(Delivery(), None);
        await server.RequestAsync();
        Assert.StartsWith("PUT ", (await server.RequestAsync()).Line, StringComparison.Ordinal);
        Assert.Equal(1, server.Connections);
    }

    private static void Fails(DeliveryResult result, FaultKind kind, Applied applied, Persistence? persistence = null)
    {
        var fault = result.Fault!;
        Assert.Equal((kind, applied, Blame.Service), (fault.Kind, fault.Applied, fault.Blame));
        if (persistence is { } expected) Assert.Equal(expected, fault.Persistence);
        Assert.NotEmpty(result.Error!);
    }

    private static async Task<DeliveryResult> SendAsync(Uri? url, ClaimedDelivery delivery,
        Func<ServiceTarget, ServiceTarget>? configure = null)
    {
        var target = new ServiceTarget { Name = "orders", Url = url };
        using var http = new HttpDelivery([configure?.Invoke(target) ?? target], new ManualClock());
        return await http.DeliverAsync(delivery, None);
    }

    private static async Task SendCancelledAsync(Uri url, CancellationToken token)
    {
        using var http = new HttpDelivery([new ServiceTarget { Name = "orders", Url = url }], new ManualClock());
        await http.DeliverAsync(Delivery(), token);
    }

    private static ClaimedDelivery Delivery() => TestDelivery.Plain with
    {
        Id = new DeliveryId(Guid.Parse("019b7d0a-0000-7000-8000-000000000001"), 0),
        Queue = "incoming",
        Service = "orders",
        Attempt = 4,
        Generation = 1,
        IdempotencyKey = "key-1",
        TraceParent = "00-11111111111111111111111111111111-2222222222222222-01",
        ContentType = "application/json",
    };
}
