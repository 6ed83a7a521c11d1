using System.Net;
using Recourse.Durable;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>The pages as a browser without a script gets them.</summary>
public class DashboardPagesTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("/ops/recourse")]
    public async Task Every_page_is_sound_under_any_prefix_and_links_only_to_pages_that_are_there(string prefix)
    {
        await using var host = await DashboardHost.StartAsync(prefix);
        var letter = await host.Scene.BadNightAsync(host.Services);
        var open = new Queue<string>([$"{prefix}/", $"{prefix}/messages/{letter.MessageId}", $"{prefix}/dead-letters?text=closed"]);
        var seen = new HashSet<string>(open);
        while (open.TryDequeue(out var path))
        {
            var html = await host.PageAsync(path);
            if (path.Contains("/assets/", StringComparison.Ordinal) || path.EndsWith("/payload", StringComparison.Ordinal))
                continue;
            var check = HtmlCheck.AssertSound(html);
            Assert.Equal(1, check.Tags["h1"]);
            Assert.Equal(1, check.Tags["main"]);
            foreach (var link in Links(html).Where(seen.Add))
            {
                Assert.StartsWith($"{prefix}/", link, StringComparison.Ordinal);
                open.Enqueue(link);
            }
        }
        Assert.Contains(seen, path => path.EndsWith("/payload", StringComparison.Ordinal));
        Assert.InRange(seen.Count, 20, 200);
    }

    [Fact]
    public async Task The_overview_says_what_is_wrong_in_words()
    {
        await using var host = await DashboardHost.StartAsync();
        await host.Scene.BadNightAsync(host.Services);
        var html = await host.PageAsync("/");
        Assert.Contains("Degraded because fhir-server and ledger are failing", html, StringComparison.Ordinal);
        Assert.Contains("fhir-server is not called: its breaker is open, the next probe goes in 12 s.", html, StringComparison.Ordinal);
        Assert.Contains("9 dead letters wait for a decision.", html, StringComparison.Ordinal);
        Assert.Contains("newsletters", html, StringComparison.Ordinal);
        Assert.DoesNotContain("Send a first message", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_last_error_of_a_service_and_its_age_are_two_words()
    {
        await using var host = await DashboardHost.StartAsync();
        var failed = new DateTimeOffset(2026, 3, 14, 2, 58, 0, TimeSpan.Zero);
        host.Services.Statuses.Add(new("billing", "open", TimeSpan.FromSeconds(12), 0, 10, 7, "HTTP 503 Service Unavailable", failed));
        var html = await host.PageAsync("/");
        Assert.Matches("data-label=\"Last error\"><div><span class=\"error\">[^<]+</span>\\s+<span class=\"note\">", html);
    }

    [Fact]
    public async Task An_empty_relay_teaches_how_to_send_a_first_message()
    {
        await using var host = await DashboardHost.StartAsync("/ops");
        host.Services.Configured.Add("orders");
        var html = await host.PageAsync("/ops/");
        Assert.Contains($"curl -i http://127.0.0.1:{host.Address.Port}/ops/v1/queues/orders/messages", html, StringComparison.Ordinal);
        Assert.Contains("Ready: nothing has come in yet", html, StringComparison.Ordinal);
        Assert.Contains("There are no dead letters.", await host.PageAsync("/ops/dead-letters"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rates_are_known_from_the_second_look_on()
    {
        await using var host = await DashboardHost.StartAsync();
        await host.Scene.SendAsync("orders", "billing");
        Assert.Contains("known after the next update", await host.PageAsync("/"), StringComparison.Ordinal);
        for (var sent = 0; sent < 24; sent++)
            await host.Scene.SendAsync("orders", "billing");
        host.Scene.Clock.Advance(TimeSpan.FromSeconds(2));
        var html = await host.PageAsync("/");
        Assert.Contains("over the last 2 s", html, StringComparison.Ordinal);
        Assert.Contains("12/s", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_are_found_by_queue_service_kind_and_text()
    {
        await using var host = await DashboardHost.StartAsync();
        await host.Scene.BadNightAsync(host.Services);
        async Task<int> RowsAsync(string query) => Count(await host.PageAsync($"/dead-letters?{query}"), "data-key=");
        Assert.Equal(9, await RowsAsync(""));
        Assert.Equal(1, await RowsAsync("queue=invoices"));
        Assert.Equal(8, await RowsAsync("service=fhir-server"));
        Assert.Equal(1, await RowsAsync("kind=service_unavailable"));
        Assert.Equal(1, await RowsAsync("text=PERIOD+2026"));
        Assert.Equal(0, await RowsAsync("text=period&queue=incoming-orders"));
        Assert.Equal(9, await RowsAsync("kind=no_such_kind"));
        Assert.Contains("8 dead letters", await host.PageAsync("/dead-letters?queue=incoming-orders"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dead_letters_come_in_pages_that_together_show_each_once()
    {
        await using var host = await DashboardHost.StartAsync();
        var all = new HashSet<string>();
        for (var letter = 0; letter < 117; letter++)
            all.Add((await host.Scene.DeadAsync()).ToString());
        string? next = "/dead-letters?queue=incoming-orders";
        Assert.Contains("50 of 117 dead letters", await host.PageAsync(next), StringComparison.Ordinal);
        var pages = 0;
        for (; next is not null; pages++)
        {
            var html = await host.PageAsync(next);
            foreach (var link in Links(html).Where(link => link.StartsWith("/deliveries/", StringComparison.Ordinal)))
                Assert.True(all.Remove(link["/deliveries/".Length..]));
            next = Links(html).SingleOrDefault(link => link.Contains("after=", StringComparison.Ordinal));
            Assert.True(next?.Contains("queue=incoming-orders", StringComparison.Ordinal) ?? true);
        }
        Assert.Equal(3, pages);
        Assert.Empty(all);
    }

    [Fact]
    public async Task Pasting_an_id_into_the_search_leads_to_its_message()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        Assert.Contains($"href=\"/messages/{letter.MessageId}\"", await host.PageAsync($"/dead-letters?text={letter.MessageId}"),
            StringComparison.Ordinal);
        Assert.Contains($"href=\"/deliveries/{letter}\"", await host.PageAsync($"/dead-letters?text={letter}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dead_letter_shows_its_history_its_decisions_and_the_gap_in_what_is_kept()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.BadNightAsync(host.Services);
        var html = await host.PageAsync($"/deliveries/{letter}");
        Assert.Contains("Attempt 32", html, StringComparison.Ordinal);
        Assert.Contains("7 attempts in between not kept", html, StringComparison.Ordinal);
        Assert.Contains("dead: service fault for 24 h, the max_age of incoming-orders", html, StringComparison.Ordinal);
        Assert.Contains("Connection refused (127.0.0.1:9001)", html, StringComparison.Ordinal);
        Assert.Contains("took 214 ms", html, StringComparison.Ordinal);
        Assert.Contains("patient-4711", html, StringComparison.Ordinal);
        Assert.Contains("&quot;family&quot;: &quot;Gr&#xFC;nwald&quot;", html, StringComparison.Ordinal);
        Assert.Contains("ward-3", html, StringComparison.Ordinal);
        Assert.Equal(await host.PageAsync($"/dead-letters/{letter}"), html);
    }

    [Fact]
    public async Task Failing_now_lists_what_failed_and_will_be_tried_again_and_nothing_else()
    {
        await using var host = await DashboardHost.StartAsync();
        await host.Scene.BadNightAsync(host.Services);
        var html = await host.PageAsync("/failing");
        Assert.Equal(7, Count(html, "data-key="));
        Assert.Contains("in 19 s", html, StringComparison.Ordinal);
        Assert.Contains("Timeout after 5,000 ms", html, StringComparison.Ordinal);
        Assert.DoesNotContain("total must be a number", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_strangers_wrote_stays_text()
    {
        const string evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync(error: evil + " \u202Egnp.exe \u0007", body: evil, key: evil);
        foreach (var path in (string[])["/", "/dead-letters", $"/deliveries/{letter}", $"/messages/{letter.MessageId}", "/failing",
            $"/dead-letters?text={Uri.EscapeDataString(evil)}", $"/dead-letters?queue={Uri.EscapeDataString(evil)}"])
        {
            var html = await host.PageAsync(path);
            HtmlCheck.AssertSound(html);
            Assert.DoesNotContain("<script>", html, StringComparison.Ordinal);
            Assert.DoesNotContain("<img", html, StringComparison.Ordinal);
            Assert.DoesNotContain("\u202E", html, StringComparison.Ordinal);
            Assert.DoesNotContain("\u0007", html, StringComparison.Ordinal);
        }
        Assert.Contains("\\u202egnp.exe ", await host.PageAsync($"/deliveries/{letter}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_carry_a_strict_policy_and_are_never_stored()
    {
        await using var host = await DashboardHost.StartAsync();
        foreach (var path in (string[])["/", "/dead-letters", "/failing", "/messages/x"])
        {
            using var answer = await host.Client.GetAsync(path, Stop);
            var policy = string.Join(";", answer.Headers.GetValues("Content-Security-Policy"));
            Assert.StartsWith("default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; ", policy,
                StringComparison.Ordinal);
            Assert.EndsWith("form-action 'self'; frame-ancestors 'none'; base-uri 'none'", policy, StringComparison.Ordinal);
            Assert.True(answer.Headers.CacheControl!.NoStore);
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        }
    }

    [Fact]
    public async Task Style_and_script_are_kept_by_browsers_for_ever_under_the_name_of_their_content()
    {
        await using var host = await DashboardHost.StartAsync();
        var page = await host.PageAsync("/");
        List<string> assets = [.. Attributes(page, "href=\"/assets/"), .. Attributes(page, "src=\"/assets/")];
        Assert.Equal(2, assets.Count);
        foreach (var asset in assets)
        {
            using var answer = await host.Client.GetAsync($"/assets/{asset}", Stop);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(TimeSpan.FromDays(365), answer.Headers.CacheControl!.MaxAge);
            Assert.Equal(asset.EndsWith(".css", StringComparison.Ordinal) ? "text/css" : "text/javascript",
                answer.Content.Headers.ContentType!.MediaType);
        }
        using var other = await host.Client.GetAsync("/assets/dashboard.0000000000000000.css", Stop);
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    [Fact]
    public async Task A_payload_is_downloaded_byte_for_byte_and_never_shown_by_the_browser()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync(body: "<h1>hello</h1>\r\n");
        using var answer = await host.Client.GetAsync($"/deliveries/{letter}/payload", Stop);
        Assert.Equal("<h1>hello</h1>\r\n", await answer.Content.ReadAsStringAsync(Stop));
        Assert.Equal("application/octet-stream", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Contains("sandbox", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/deliveries/nonsense", HttpStatusCode.NotFound)]
    [InlineData("/deliveries/019cea48-6f10-7034-bb77-23ac1616b4c2.0", HttpStatusCode.NotFound)]
    [InlineData("/messages/019cea48-6f10-7034-bb77-23ac1616b4c2", HttpStatusCode.NotFound)]
    [InlineData("/deliveries/nonsense/payload", HttpStatusCode.NotFound)]
    [InlineData("/dead-letters?after=nonsense", HttpStatusCode.BadRequest)]
    public async Task What_is_not_there_is_said_so(string path, HttpStatusCode expected)
    {
        await using var host = await DashboardHost.StartAsync();
        using var answer = await host.Client.GetAsync(path, Stop);
        Assert.Equal(expected, answer.StatusCode);
        HtmlCheck.AssertSound(await answer.Content.ReadAsStringAsync(Stop));
    }

    [Fact]
    public async Task A_store_that_is_away_gives_a_page_that_says_so()
    {
        await using var host = await DashboardHost.StartAsync(wrap: inner => new AwayStore(inner));
        using var answer = await host.Client.GetAsync("/", Stop);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(2), answer.Headers.RetryAfter!.Delta);
        Assert.Contains("the file is locked", await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;

    // The addresses that a page leads to within this site, query decoded.
    private static List<string> Links(string html) =>
        [.. Attributes(html, "href=\"").Select(WebUtility.HtmlDecode).OfType<string>().Where(link => link.StartsWith('/')).Distinct()];

    private static IEnumerable<string> Attributes(string html, string before) =>
        html.Split(before).Skip(1).Select(rest => rest[..rest.IndexOf('"', StringComparison.Ordinal)]);

    private sealed class AwayStore(MessageStore inner) : MessageStore
    {
        public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default) => inner.OpenAsync(cancellationToken);

        public override ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command,
            CancellationToken cancellationToken = default) =>
            inner.CommitAsync(command, cancellationToken);

        public override StoreQueries Queries =>
            throw new StoreException("orders.db: the file is locked by another process.", StoreProblem.Locked);

        public override ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
