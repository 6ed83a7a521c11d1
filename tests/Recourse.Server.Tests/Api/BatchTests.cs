using System.Text;
using System.Text.Json.Nodes;

namespace Recourse.Server.Tests.Api;

public class BatchTests
{
    private const string Plain = "application/x-ndjson";
    private const string Envelope = "application/vnd.recourse+ndjson";

    [Fact]
    public async Task Each_line_is_a_message_and_answers_come_in_order()
    {
        await using var relay = await TestRelay.StartAsync();
        var lines = await SendAsync(relay, Plain, string.Concat(Enumerable.Range(0, 3_000).Select(n => $"{{\"n\":{n}}}\n")));
        Assert.Equal(Enumerable.Range(0, 3_000), lines.Select(line => line["index"]!.GetValue<int>()));
        Assert.All(lines, line => Assert.Equal(202, line["status"]!.GetValue<int>()));
        Assert.Equal(3_000, lines.Select(line => line["id"]!.GetValue<string>()).Distinct().Count());
        Assert.Equal(3_000, (await relay.GetAsync("/v1/queues/orders"))["accepted"]!.GetValue<long>());
    }

    [Fact]
    public async Task Broken_lines_are_answered_for_themselves_and_the_good_ones_are_stored()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_body: 40 }");
        var lines = await SendAsync(relay, Plain, "{\"n\":1}\n{broken\n\n" + $"\"{new string('x', 100_000)}\"\n" + "{\"n\":2}\r\n[3]");
        Assert.Equal([202, 400, 400, 413, 202, 202], lines.Select(line => line["status"]!.GetValue<int>()));
        Assert.Equal(Enumerable.Range(0, 6), lines.Select(line => line["index"]!.GetValue<int>()));
        Assert.Contains("JSON", lines[1]["problem"]!["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(3, (await relay.GetAsync("/v1/queues/orders"))["accepted"]!.GetValue<long>());
    }

    [Fact]
    public async Task An_envelope_carries_body_type_keys_and_headers()
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        const string binary = "{\"body_base64\":\"AP8K\",\"content_type\":\"application/octet-stream\",\"idempotency_key\":\"i\"}\n";
        var lines = await SendAsync(relay, Envelope,
            "{\"body\":{\"a\":1},\"key\":\"k\",\"headers\":{\"ce-id\":\"7\"}}\n"
            + binary
            + binary
            + "{\"body_base64\":\"AAAA\",\"idempotency_key\":\"i\"}\n"
            + "{\"body\":1,\"body_base64\":\"\"}\n{}\n"
            + "{\"body\":1,\"colour\":2}\n{\"body_base64\":\"?\"}\n{\"body\":1,\"key\":\"\"}\n[1]\n{\"body\":null}");
        Assert.Equal([202, 202, 202, 422, 400, 400, 400, 400, 400, 400, 400], lines.Select(line => line["status"]!.GetValue<int>()));
        Assert.Equal(lines[1]["id"]!.GetValue<string>(), lines[2]["id"]!.GetValue<string>());
        Assert.True(lines[2]["duplicate"]!.GetValue<bool>());
        await relay.UntilAsync("/v1/dead-letters", found => found["items"]!.AsArray().Count == 2);
        using var payload = await relay.SendAsync(HttpMethod.Get, $"/v1/dead-letters/{lines[1]["id"]}.0/payload");
        Assert.Equal([0, 255, 10], await payload.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        using var json = await relay.SendAsync(HttpMethod.Get, $"/v1/dead-letters/{lines[0]["id"]}.0/payload");
        Assert.Equal("{\"a\":1}", await json.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Too_many_lines_end_the_batch_with_an_answer_that_says_so()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_batch_lines: 2 }");
        var lines = await SendAsync(relay, Plain, "1\n2\n3\n4\n");
        Assert.Equal([202, 202, 413], lines.Select(line => line["status"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Too_many_bytes_are_refused_at_once_or_where_they_begin()
    {
        await using var relay = await TestRelay.StartAsync(TestRelay.Basic + "\nlimits: { max_batch: 10, max_body: 10 }");
        using var known = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders/messages:batch", "1\n2\n3\n4\n5\n6\n", Plain);
        await TestRelay.ProblemAsync(known, 413);
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/queues/orders/messages:batch")
        {
            Content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes("1\n2\n" + new string('3', 20)))),
        };
        request.Headers.TransferEncodingChunked = true;
        request.Content.Headers.TryAddWithoutValidation("Content-Type", Plain);
        using var chunked = await relay.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal([202, 202, 413], (await LinesAsync(chunked)).Select(line => line["status"]!.GetValue<int>()));
    }

    [Fact]
    public async Task An_empty_batch_has_an_empty_answer()
    {
        await using var relay = await TestRelay.StartAsync();
        Assert.Empty(await SendAsync(relay, Plain, ""));
    }

    [Theory]
    [InlineData("orders", "application/x-www-form-urlencoded", 415)]
    [InlineData("nothing", Plain, 404)]
    public async Task A_batch_that_cannot_be_one_is_refused(string queue, string contentType, int status)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, $"/v1/queues/{queue}/messages:batch", "1\n", contentType);
        await TestRelay.ProblemAsync(answer, status);
    }

    [Fact]
    public async Task Keys_of_one_message_do_not_belong_on_a_batch()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders/messages:batch", "1\n", Plain,
            ("Idempotency-Key", "a"));
        await TestRelay.ProblemAsync(answer, 400);
    }

    private static async Task<JsonNode[]> SendAsync(TestRelay relay, string contentType, string body)
    {
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders/messages:batch", body, contentType);
        return await LinesAsync(answer);
    }

    private static async Task<JsonNode[]> LinesAsync(HttpResponseMessage answer)
    {
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True((int)answer.StatusCode == 200, text);
        Assert.Equal("application/x-ndjson", answer.Content.Headers.ContentType!.MediaType);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
    }

    [Theory]
    [InlineData("{\"body\":1,\"kye\":\"k\"}",
        "'kye' is no key of an envelope; it has body, body_base64, content_type, idempotency_key, key, delay, "
        + "deliver_at, expires, priority, headers. Did you mean 'key'?")]
    [InlineData("{\"body\":1,\"key\":7}", "'key' is a number; it must be text.")]
    [InlineData("{\"body\":1,\"headers\":[]}", "'headers' is a list; it must be an object of names and texts.")]
    [InlineData("{\"body\":1,\"headers\":{\"ce-type\":null}}", "The header 'ce-type' is null; it must be text.")]
    [InlineData("[1]", "The line is a list; an envelope is an object of body, body_base64, content_type, idempotency_key, key, delay, "
        + "deliver_at, expires, priority, headers.")]
    [InlineData("\n", "The line is empty; each line of a batch is one JSON document.")]
    [InlineData("  \r", "The line is empty; each line of a batch is one JSON document.")]
    [InlineData("{\"body\":", "The line is not valid JSON, or nested deeper than 64: see byte 8.")]
    [InlineData("{\"body_base64\":\"%\"}", "body_base64 is no base64.")]
    public async Task An_envelope_that_is_wrong_is_told_in_the_words_of_the_contract(string line, string detail)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(
            HttpMethod.Post, "/v1/queues/orders/messages:batch", line, "application/vnd.recourse+ndjson");
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains($"\"detail\":{System.Text.Json.JsonSerializer.Serialize(detail, Relaxed)}", text, StringComparison.Ordinal);
        Assert.Contains("\"status\":400", text, StringComparison.Ordinal);
    }

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
