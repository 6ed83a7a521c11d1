using System.Text;
using Recourse.Cli;
using Recourse.Cli.Client;
using Recourse.Cli.Sending;

namespace Recourse.Server.Tests.Cli;

public class BatchSenderTests
{
    private static readonly BatchSettings Settings = new() { Queue = "orders", KeyPrefix = "run", Wait = TimeSpan.FromSeconds(20) };

    [Fact]
    public async Task Every_line_is_stored_once_under_its_number()
    {
        await using var relay = await ScriptedRelay.StartAsync();
        var sender = await SendAsync(relay, 450);
        Assert.Equal((450, 0, 0, 450), (sender.Accepted, sender.Duplicates, sender.Failed, sender.LastLine));
        Assert.Equal(3, relay.Requests);
        Assert.Equal("line 450", relay.Stored["run-450"]);
    }

    [Fact]
    public async Task A_lost_answer_is_asked_for_again_and_stores_nothing_twice()
    {
        ScriptedRelay? relay = null;
        relay = await ScriptedRelay.StartAsync(
            (http, body) => http.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(relay!.Take(body)))).AsTask(),
            (http, body) => relay!.StoreAndHangUp(http, body));
        await using (relay)
        {
            var sender = await SendAsync(relay, 400);
            Assert.Equal((200, 200, 0), (sender.Accepted, sender.Duplicates, sender.Failed));
            Assert.Equal(400, relay.Stored.Count);
        }
    }

    [Fact]
    public async Task A_relay_that_throttles_is_asked_again_after_the_time_it_names()
    {
        await using var relay = await ScriptedRelay
            .StartAsync(ScriptedRelay.Refuse(429, "Full.", retryAfter: 0), ScriptedRelay.Refuse(503, "Starting.", retryAfter: 0));
        var sender = await SendAsync(relay, 3);
        Assert.Equal((3, 0), (sender.Accepted, sender.Failed));
        Assert.Equal(3, relay.Requests);
    }

    [Fact]
    public async Task Only_the_lines_that_were_put_off_are_sent_again()
    {
        await using var relay = await ScriptedRelay.StartAsync((http, body) => http.Response.Body.WriteAsync(
            """
            {"index":0,"status":202,"id":"x"}
            {"index":1,"status":429,"problem":{"detail":"Full."}}
            {"index":2,"status":400,"problem":{"detail":"Bad key."}}

            """u8.ToArray()).AsTask());
        var sender = await SendAsync(relay, 3);
        Assert.Equal((2, 1), (sender.Accepted, sender.Failed));
        Assert.Equal(new SendFailure(3, 400, "Bad key."), Assert.Single(sender.Failures));
        Assert.Equal(["run-2"], relay.Stored.Keys);
    }

    [Fact]
    public async Task A_batch_that_is_too_large_is_halved_down_to_the_line_at_fault()
    {
        var tooLarge = ScriptedRelay.Refuse(413, "Too large.");
        await using var relay = await ScriptedRelay.StartAsync(tooLarge, tooLarge);
        var sender = await SendAsync(relay, 2);
        Assert.Equal((1, 1), (sender.Accepted, sender.Failed));
        Assert.Equal(1, Assert.Single(sender.Failures).Line);
    }

    [Fact]
    public async Task An_unknown_queue_ends_the_sending_at_once()
    {
        await using var relay = await ScriptedRelay.StartAsync(ScriptedRelay.Refuse(404, "There is no queue 'orders'."));
        var error = await Assert.ThrowsAsync<CliException>(() => SendAsync(relay, 3));
        Assert.Equal((ExitCode.NotFound, "There is no queue 'orders'."), (error.ExitCode, error.Message));
        Assert.Equal(1, relay.Requests);
    }

    [Fact]
    public async Task Lines_that_an_earlier_run_sent_are_passed_over()
    {
        await using var relay = await ScriptedRelay.StartAsync();
        var sender = await SendAsync(relay, 5, Settings with { Skip = 3 });
        Assert.Equal(["run-4", "run-5"], relay.Stored.Keys.Order());
        Assert.Equal(5, sender.LastLine);
    }

    [Fact]
    public async Task A_line_that_is_no_json_is_refused_with_its_place_and_the_others_go_as_json()
    {
        await using var relay = await ScriptedRelay.StartAsync();
        var sender = await SendAsync(relay, "{\"n\":1}\n{\"n\":\n[2]\n{} {}\n", Settings with { ContentType = "application/json" });
        Assert.Equal((2, 2), (sender.Accepted, sender.Failed));
        Assert.Equal(["run-1", "run-3"], relay.Stored.Keys.Order());
        Assert.Equal([2L, 4L], sender.Failures.Select(failure => failure.Line));
        Assert.All(sender.Failures, failure => Assert.Equal(400, failure.Status));
        Assert.Equal("The line is not JSON (byte 5); --content-type sends it as something else.", sender.Failures[0].Problem);
    }

    [Fact]
    public async Task A_line_of_another_type_may_be_anything()
    {
        await using var relay = await ScriptedRelay.StartAsync();
        var sender = await SendAsync(relay, "{\"n\":\n", Settings with { ContentType = "text/plain" });
        Assert.Equal((1, 0), (sender.Accepted, sender.Failed));
    }

    private static Task<BatchSender> SendAsync(ScriptedRelay relay, int lines, BatchSettings? settings = null) =>
        SendAsync(relay, string.Concat(Enumerable.Range(1, lines).Select(number => $"line {number}\n")), settings);

    private static async Task<BatchSender> SendAsync(ScriptedRelay relay, string text, BatchSettings? settings)
    {
        using var client = new RelayClient(relay.Address);
        var sender = new BatchSender(client, settings ?? Settings);
        await sender.RunAsync(LineReader.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text))), TestContext.Current.CancellationToken);
        return sender;
    }
}
