using System.Net.Sockets;
using System.Text;

namespace Recourse.Server.Tests;

/// <summary>
/// Requests over a bare socket with mistakes drawn from a seed. The relay answers each with a status below 500 or hangs up, and goes on to
/// serve others. RECOURSE_SEED repeats one request.
/// </summary>
public class HttpFuzzTests(ITestOutputHelper output)
{
    private static readonly int Requests = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 30_000 : 600;

    private static readonly string[] Lines =
    [
        "POST /v1/queues/orders/messages HTTP/1.1", "POST /v1/queues/orders/messages:batch HTTP/1.1", "GET /v1/queues HTTP/1.1",
        "GET /v1/dead-letters?limit=10&after=00 HTTP/1.1", "GET /v1/messages/00000000-0000-7000-8000-000000000000 HTTP/1.1",
        "POST /v1/dead-letters/00000000-0000-7000-8000-000000000000.0:replay HTTP/1.1", "POST /v1/store:backup HTTP/1.1",
        "GET /health/ready HTTP/1.1", "GET /metrics HTTP/1.1", "GET / HTTP/1.1", "DELETE /v1/queues/orders HTTP/1.1",
    ];

    private static readonly string[] Headers =
    [
        "Content-Type: application/json", "Content-Type: application/x-ndjson", "Content-Type: application/vnd.recourse+ndjson",
            "Idempotency-Key: k",
        "Recourse-Key: lane", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Expect: 100-continue",
            "Connection: close",
        "Accept-Encoding: br", "X-Long: " + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "Content-Length: 7",
            "Transfer-Encoding: chunked",
        "Content-Length: -1", "Recourse-Key: \u0001", "Idempotency-Key:", ": nothing", "Sec-Fetch-Site: cross-site",
            "Origin: http://evil.example",
    ];

    private static readonly string[] Bodies =
    [
        "", "{}", "{\"body\":1}\n{\"body_base64\":\"!\"}\n", "\0\0\0", "5\r\nhello\r\n0\r\n\r\n", "ffffffffffffffff\r\n", "[[[[[[[[",
            "{\"path\":\"\\u0000\"}",
        "\n\n\n", "{\"a\":", "\uFEFF{}",
    ];

    [Fact]
    public async Task No_request_is_too_odd_for_an_answer_and_the_relay_serves_on()
    {
        var given = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var seed);
        if (!given)
            seed = Random.Shared.Next(1 << 30);
        output.WriteLine($"first seed {seed}");
        await using var relay = await TestRelay.StartAsync();
        var address = relay.Http.BaseAddress!;
        var answers = new SortedDictionary<string, int>();
        for (var i = 0; i < (given ? 1 : Requests); i++)
        {
            var request = Request(new Random(seed + i), address);
            var status = await SendAsync(address, request);
            Assert.False(status.StartsWith('5'),
                $"RECOURSE_SEED={seed + i}: {status} for\n{Encoding.Latin1.GetString(request)}");
            answers[status] = answers.GetValueOrDefault(status) + 1;
            if (i % 100 == 0)
                await relay.AcceptedAsync("orders");
        }
        await relay.AcceptedAsync("orders");
        Assert.Equal("ready", (await relay.GetAsync("/health/ready"))["status"]!.GetValue<string>());
        output.WriteLine(string.Join(", ", answers.Select(answer => $"{answer.Key}: {answer.Value}")));
    }

    /// <summary>Eight hexadecimal digits are more than the server's counter holds, sixteen more than its line.</summary>
    [Theory]
    [InlineData("ffffffff")]
    [InlineData("ffffffffffffffff")]
    [InlineData("x")]
    public async Task A_chunk_of_impossible_size_is_the_mistake_of_the_one_who_sent_it(string size)
    {
        await using var relay = await TestRelay.StartAsync();
        foreach (var line in Lines.Where(line => line.StartsWith("POST /v1/queues", StringComparison.Ordinal)))
        {
            var request = $"{line}\r\nHost: {relay.Http.BaseAddress!.Authority}\r\nContent-Type: application/x-ndjson\r\n"
                + $"Transfer-Encoding: chunked\r\n\r\n{size}\r\n";
            var status = await SendAsync(relay.Http.BaseAddress!, Encoding.ASCII.GetBytes(request), thenCloses: false);
            // A batch has begun its answer by then; the mistake stands in its last line.
            Assert.Equal(line.Contains("batch", StringComparison.Ordinal) ? "200" : "400", status);
        }
    }

    private static byte[] Request(Random random, Uri address)
    {
        var text = new StringBuilder(Lines[random.Next(Lines.Length)]).Append("\r\n");
        if (random.Next(10) > 0)
            text.Append("Host: ").Append(address.Authority).Append("\r\n");
        for (var headers = random.Next(6); headers > 0; headers--)
            text.Append(Headers[random.Next(Headers.Length)]).Append("\r\n");
        text.Append("\r\n").Append(Bodies[random.Next(Bodies.Length)]);
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        for (var mistakes = random.Next(4); mistakes > 0; mistakes--)
        {
            var at = random.Next(bytes.Length);
            if (random.Next(4) == 0)
                bytes = [.. bytes[..at], .. bytes[random.Next(at, bytes.Length)..]];
            else
                bytes[at] = (byte)random.Next(256);
            if (bytes.Length == 0)
                return "\r\n"u8.ToArray();
        }
        return bytes;
    }

    /// <summary>The status of the first answer; "hung up" when there was none. What was sent is all: our side of the line is
    /// closed then, unless the server is to end it.</summary>
    private static async Task<string> SendAsync(Uri address, byte[] request, bool thenCloses = true)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, TestContext.Current.CancellationToken);
        var answer = new byte[64];
        var filled = 0;
        try
        {
            await socket.SendAsync(request, TestContext.Current.CancellationToken);
            if (thenCloses)
                socket.Shutdown(SocketShutdown.Send);
            while (filled < answer.Length
                && await socket.ReceiveAsync(answer.AsMemory(filled), TestContext.Current.CancellationToken) is > 0 and var read)
                filled += read;
        }
        catch (SocketException)
        {
            // It hung up while we were still talking.
        }
        var words = Encoding.Latin1.GetString(answer, 0, filled).Split(' ');
        // 505 is right for a version that is none.
        return words is ["HTTP/1.1", { Length: 3 } status, ..] ? status == "505" ? "not HTTP" : status : "hung up";
    }
}
