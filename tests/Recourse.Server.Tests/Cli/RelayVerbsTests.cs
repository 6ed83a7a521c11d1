using System.Text.Json;
using Recourse.Cli;
using Recourse.Cli.Client;
using Recourse.Cli.Demo;
using Recourse.Tests;

namespace Recourse.Server.Tests.Cli;

/// <summary>The verbs as processes against a relay as a process: what a person and a script see.</summary>
public sealed partial class RelayVerbsTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("recourse-cli-").FullName;
    private readonly Ledger _ledger = new(TimeProvider.System);
    private readonly DemoService _service;
    private readonly RelayProcess _relay;
    private volatile bool _mended;

    public RelayVerbsTests()
    {
        _service = new("billing", _ledger, TimeSpan.FromSeconds(30), _ => _mended ? Plan.Accept : Plan.Refuse(422));
        _relay = new(File("recourse.yaml"), new($"http://127.0.0.1:{LoopbackPort.Free()}"), TimeProvider.System, CliProcess.Path);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await _service.StartAsync();
        await System.IO.File.WriteAllTextAsync(File("recourse.yaml"), $$"""
            version: 1
            listen: {{_relay.Address}}
            store: sqlite:cli.db
            services: { billing: { url: {{_service.Url}} } }
            queues: { orders: { deliver_to: billing } }
            """);
        await _relay.StartAsync(TimeSpan.FromSeconds(60), Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _relay.DisposeAsync();
        await _service.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_message_dies_is_looked_at_and_arrives_once_the_service_is_mended()
    {
        var sent = await RunAsync("{\"n\":1}", "send", "orders", "--idempotency-key", "one", "--json");
        var id = sent.RootElement.GetProperty("id").GetString()!;
        Assert.False(sent.RootElement.GetProperty("duplicate").GetBoolean());
        var again = await RunAsync("{\"n\":1}", "send", "orders", "--idempotency-key", "one", "--json");
        Assert.True(again.RootElement.GetProperty("duplicate").GetBoolean());

        await DeadAsync(1);
        var list = await RunAsync("", "dlq", "list", "--service", "billing", "--json");
        var letter = Assert.Single(list.RootElement.GetProperty("items").EnumerateArray().ToArray());
        var letterId = letter.GetProperty("id").GetString()!;
        Assert.Equal(id, letter.GetProperty("message_id").GetString());
        var shown = await TextAsync("dlq", "show", letterId);
        Assert.Contains("422", shown.Out);
        Assert.Equal("{\"n\":1}", (await TextAsync("dlq", "show", letterId, "--payload")).Out);
        Assert.Contains("billing: dead", (await TextAsync("message", id)).Out);

        _mended = true;
        Assert.Equal("1 replayed.\n", (await TextAsync("dlq", "replay", letterId, "--key", "new", "--reason", "mended")).Out);
        await Eventually.HoldsAsync("the message is delivered", TimeSpan.FromSeconds(30), async _ =>
            (await RunAsync("", "queues", "orders", "--json")).RootElement.GetProperty("delivered").GetInt64() == 1);
        Assert.Equal(1, _ledger.Counts.Effects);
        Assert.Contains("There is no dead letter", (await TextAsync(ExitCode.NotFound, "dlq", "show", letterId)).Error);
        Assert.Equal(ExitCode.Conflict, (await TextAsync(ExitCode.Conflict, "dlq", "replay", letterId)).ExitCode);
        Assert.Contains("mended", (await TextAsync("message", id, "--json")).Out);
    }

    [Fact]
    public async Task A_word_that_is_none_is_answered_with_those_that_are()
    {
        var refused = await TextAsync(ExitCode.Failed, "dlq", "list", "--kind", "foo");
        Assert.Contains("'foo' is no kind of fault. Allowed: ", refused.Error);
        Assert.Contains(", connection_refused, ", refused.Error);
        Assert.Contains("auto", (await TextAsync(ExitCode.Usage, "dlq", "replay", "--all", "--key", "old")).Error);
    }

    [Fact]
    public async Task A_file_of_lines_is_stored_once_however_often_it_is_sent_under_one_key()
    {
        await System.IO.File.WriteAllLinesAsync(File("lines.ndjson"), Enumerable.Range(0, 450).Select(n => $"{{\"n\":{n}}}"), Token);
        var first = await RunAsync("", "send", "orders", File("lines.ndjson"), "--ndjson", "--idempotency-key", "run", "--json");
        var second = await RunAsync("", "send", "orders", File("lines.ndjson"), "--ndjson", "--idempotency-key", "run", "--json");
        Assert.Equal((450, 0, 0), Counts(first));
        Assert.Equal((0, 450, 0), Counts(second));
        await DeadAsync(450);

        static (int, int, int) Counts(JsonDocument result) => (result.RootElement.GetProperty("accepted").GetInt32(),
            result.RootElement.GetProperty("duplicates").GetInt32(), result.RootElement.GetProperty("failed").GetInt32());
    }

    [Fact]
    public async Task A_bulk_verb_says_what_it_would_touch_and_does_nothing_unasked()
    {
        foreach (var n in "123") await RunAsync($"{n}", "send", "orders", "--json");
        await DeadAsync(3);
        var refused = await TextAsync(ExitCode.Usage, "dlq", "discard", "--queue", "orders");
        Assert.Contains("3 dead letters match (queue orders)", refused.Error);
        Assert.Contains("Add --yes to discard them.", refused.Error);
        await DeadAsync(3);

        var all = (await TextAsync("dlq", "list", "--all", "--json")).Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, all.Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()).Distinct().Count());
        var done = await RunAsync("", "dlq", "discard", "--all", "--yes", "--json");
        Assert.Equal((3, 0), (done.RootElement.GetProperty("done").GetInt32(), done.RootElement.GetProperty("failed").GetInt32()));
        var books = await RunAsync("", "queues", "orders", "--json");
        Assert.Equal((0, 3), (books.RootElement.GetProperty("dead").GetInt32(), books.RootElement.GetProperty("discarded").GetInt32()));
    }

    [Fact]
    public async Task A_replay_is_previewed_started_watched_and_its_letters_listed()
    {
        foreach (var n in "12345") await RunAsync($"{n}", "send", "orders", "--json");
        await DeadAsync(5);
        var dry = await RunAsync("", "replay", "start", "--queue", "orders", "--dry-run", "--json");
        Assert.Equal(5, dry.RootElement.GetProperty("matched").GetInt32());
        Assert.Contains("Add --yes", (await TextAsync(ExitCode.Usage, "replay", "start", "--queue", "orders")).Error);
        _mended = true;
        var done = await RunAsync("", "replay", "start", "--service", "billing", "--canary", "2", "--limit", "4", "--reason", "mended",
            "--yes", "--watch", "--json");
        var id = done.RootElement.GetProperty("id").GetString()!;
        Assert.Equal(("completed", 4),
            (done.RootElement.GetProperty("state").GetString(), done.RootElement.GetProperty("delivered").GetInt32()));
        Assert.Contains(id, (await TextAsync("replay", "list")).Out);
        var items = (await TextAsync("replay", "items", id, "--outcome", "delivered", "--json")).Out;
        Assert.Equal(4, items.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(ExitCode.Conflict, (await TextAsync(ExitCode.Conflict, "replay", "cancel", id)).ExitCode);
        Assert.Contains("is under way", (await TextAsync("dlq", "replay", "--queue", "orders", "--yes")).Out);
        await DeadAsync(0);
    }

    [Fact]
    public async Task A_slow_replay_is_paused_resumed_and_cancelled()
    {
        foreach (var n in "123") await RunAsync($"{n}", "send", "orders", "--json");
        await DeadAsync(3);
        var id = (await RunAsync("", "replay", "start", "--all", "--limit", "9", "--rate", "0.01", "--yes", "--json"))
            .RootElement.GetProperty("id").GetString()!;
        Assert.Contains("paused", (await TextAsync("replay", "pause", id, "--reason", "lunch")).Out);
        Assert.Contains("lunch", (await TextAsync("replay", "show", id)).Out);
        Assert.Contains("running", (await TextAsync("replay", "resume", id)).Out);
        Assert.Contains("cancelled", (await TextAsync("replay", "cancel", id)).Out);
    }

    [Fact]
    public async Task A_queue_is_paused_drained_and_resumed()
    {
        Assert.Equal("orders: paused.\n", (await TextAsync("queues", "pause", "orders", "--reason", "works")).Out);
        Assert.Contains("orders (paused)", (await TextAsync("queues")).Out);
        Assert.Equal("orders: draining.\n", (await TextAsync("queues", "drain", "orders")).Out);
        Assert.Equal("orders: resumed.\n", (await TextAsync("queues", "resume", "orders")).Out);
        Assert.Equal("billing: paused.\n", (await TextAsync("services", "pause", "billing")).Out);
        Assert.Equal("billing: resumed.\n", (await TextAsync("services", "resume", "billing")).Out);
    }

    [Fact]
    public async Task A_service_is_isolated_and_reset()
    {
        Assert.Equal("billing: isolated.\n", (await TextAsync("services", "isolate", "billing")).Out);
        Assert.Equal("isolated", await BreakerAsync());
        Assert.Contains("isolated", (await TextAsync("services")).Out);
        Assert.Equal("billing: reset.\n", (await TextAsync("services", "reset", "billing")).Out);
        Assert.Equal("closed", await BreakerAsync());
        Assert.Contains("bil", (await TextAsync(ExitCode.NotFound, "services", "reset", "biling")).Error);

        async Task<string?> BreakerAsync() => (await RunAsync("", "services", "--json")).RootElement.GetProperty("items")[0]
            .GetProperty("breaker").GetString();
    }

    [Fact]
    public async Task What_does_not_exist_is_said_with_the_name_nearest_to_it()
    {
        Assert.Contains("Did you mean 'orders'?", (await TextAsync(ExitCode.NotFound, "queues", "ordes")).Error);
        var send = await CliProcess.RunAsync("x", ["send", "ordes", "--server", $"{_relay.Address}"], new Dictionary<string, string>());
        Assert.Equal((ExitCode.NotFound, ""), (send.ExitCode, send.Out));
        Assert.Equal(ExitCode.NotFound, (await TextAsync(ExitCode.NotFound, "message", Guid.Empty.ToString())).ExitCode);
    }

    [Fact]
    public async Task Redirected_tables_have_neither_colours_nor_frames()
    {
        var table = (await TextAsync("queues")).Out;
        Assert.Contains("orders", table);
        Assert.DoesNotContain('\u001b', table);
        Assert.DoesNotContain('│', table);
    }

    private string File(string name) => Path.Combine(_folder, name);

    private Task DeadAsync(long count) => Eventually.HoldsAsync($"{count} dead letters", TimeSpan.FromSeconds(60), async token =>
    {
        using var client = new RelayClient(_relay.Address);
        return (await client.GetAsync("v1/queues/orders", RelayJson.Default.QueueAnswer, token)).Dead == count;
    });

    private Task<CliRun> TextAsync(params string[] arguments) => TextAsync(ExitCode.Ok, arguments);

    private async Task<CliRun> TextAsync(int exitCode, params string[] arguments)
    {
        var run = await CliProcess.RunAsync([.. arguments, "--server", $"{_relay.Address}"]);
        Assert.True(run.ExitCode == exitCode, $"Ended with {run.ExitCode} instead of {exitCode}: {run.Error}");
        if (exitCode != ExitCode.Ok) Assert.Empty(run.Out);
        return run;
    }

    private async Task<JsonDocument> RunAsync(string input, params string[] arguments)
    {
        var run = await CliProcess.RunAsync(input, [.. arguments, "--server", $"{_relay.Address}"], new Dictionary<string, string>());
        Assert.True(run.ExitCode == ExitCode.Ok, run.Error);
        return JsonDocument.Parse(run.Out);
    }
}
