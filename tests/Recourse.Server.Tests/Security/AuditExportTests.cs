using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests;

/// <summary>The audit as an auditor takes it away: whole, over pages, with the conditions of the list.</summary>
public sealed class AuditExportTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<List<JsonNode>> ExportAsync(TestRelay relay, string query = "")
    {
        using var answer = await relay.SendAsync(HttpMethod.Get, "/v1/audit/export" + query);
        Assert.Equal((200, "application/x-ndjson"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        return [.. (await answer.Content.ReadAsStringAsync(Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonNode.Parse(line)!)];
    }

    [Fact]
    public async Task All_acts_come_newest_first_with_who_what_when_on_what_why_and_what_it_came_to()
    {
        const int Acts = 1_203;
        var clock = new ManualClock();
        var store = new InMemoryMessageStore(clock);
        await using var relay = await TestRelay.StartAsync(store: store, time: clock);
        for (var i = 0; i < Acts; i++)
        {
            await store.CommitAsync(new NoteActCommand(i % 2 == 0 ? "alice" : "bob", "export", $"thing/{i}", $"why {i}", "done"), Token);
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        var all = await ExportAsync(relay);
        Assert.Equal(Enumerable.Range(0, Acts).Reverse().Select(i => $"thing/{i}"), all.Select(act => act["target"]!.GetValue<string>()));
        Assert.Equal(["number", "at", "actor", "verb", "target", "reason", "outcome"], all[0].AsObject().Select(field => field.Key));
        Assert.Equal("2026-01-01T00:20:02.000Z", all[0]["at"]!.GetValue<string>());

        Assert.Equal(Acts / 2, (await ExportAsync(relay, "?actor=bob")).Count);
        Assert.Empty(await ExportAsync(relay, "?verb=replay"));
        var some = await ExportAsync(relay, "?since=2026-01-01T00:00:10Z&until=2026-01-01T00:00:12Z");
        Assert.Equal(["why 11", "why 10"], some.Select(act => act["reason"]!.GetValue<string>()));
        using var bad = await relay.SendAsync(HttpMethod.Get, "/v1/audit/export?since=yesterday");
        await TestRelay.ProblemAsync(bad, 400);
        using var unknown = await relay.SendAsync(HttpMethod.Get, "/v1/audit/export?limit=5");
        await TestRelay.ProblemAsync(unknown, 400);
    }

    [Fact]
    public async Task Taking_letters_away_and_bringing_them_back_is_itself_an_act()
    {
        await using var relay = await TestRelay.StartAsync();
        (await relay.SendAsync(HttpMethod.Get, "/v1/dead-letters/export?service=shop")).Dispose();
        (await relay.SendAsync(HttpMethod.Post, "/v1/dead-letters/import", "nonsense\n", "application/x-ndjson")).Dispose();
        Assert.Equal([("import", "1 lines"), ("export", "service=shop")],
            (await ExportAsync(relay)).Select(act => (act["verb"]!.GetValue<string>(), act["reason"]!.GetValue<string>())));
    }
}
