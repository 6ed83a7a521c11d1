using System.Net;
using System.Text.RegularExpressions;
using Recourse.Server.Security;
using Recourse.Tests;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>The dashboard with keys: signing in and out, what a viewer sees, and that the cookie is good for pages only.</summary>
public sealed partial class SignInTests
{
    [GeneratedRegex("name=\"form_token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenField { get; }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A browser of its own: its cookies, no redirects followed.</summary>
    private sealed class Visitor(Uri address) : IDisposable
    {
        private readonly CookieContainer _cookies = new();
        private HttpClient? _http;

        public HttpClient Http => _http ??= new(new HttpClientHandler { CookieContainer = _cookies, AllowAutoRedirect = false })
        {
            BaseAddress = address,
        };

        public string? Session => _cookies.GetCookies(address)[Gate.Cookie]?.Value;

        public async Task<string> PageAsync(string path, int status = 200)
        {
            using var answer = await Http.GetAsync(path, Token);
            var html = await answer.Content.ReadAsStringAsync(Token);
            Assert.True(status == (int)answer.StatusCode, $"{path}: {(int)answer.StatusCode} {html}");
            HtmlCheck.AssertSound(html);
            return html;
        }

        public async Task<HttpResponseMessage> PostAsync(string from, string path, params (string, string)[] fields)
        {
            var page = await Http.GetStringAsync(from, Token);
            var form = fields.Append(("form_token", TokenField.Match(page).Groups[1].Value))
                .Select(field => KeyValuePair.Create(field.Item1, field.Item2));
            return await Http.PostAsync(path, new FormUrlEncodedContent(form), Token);
        }

        public Task<HttpResponseMessage> SignInAsync(string key, string next = "/") =>
            PostAsync("/sign-in", "/sign-in", ("key", key), ("next", next));

        public void Dispose() => _http?.Dispose();
    }

    [Fact]
    public async Task A_page_without_a_session_leads_to_the_sign_in_and_back()
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using var visitor = new Visitor(keyed.Relay.Http.BaseAddress!);
        using (var closed = await visitor.Http.GetAsync("/dead-letters?queue=orders", Token))
        {
            Assert.Equal(303, (int)closed.StatusCode);
            Assert.Equal("/sign-in?next=%2Fdead-letters%3Fqueue%3Dorders", closed.Headers.Location!.OriginalString);
        }
        Assert.Contains("value=\"/dead-letters?queue=orders\"", await visitor.PageAsync("/sign-in?next=%2Fdead-letters%3Fqueue%3Dorders"),
            StringComparison.Ordinal);
        // Nothing on it changes, so nothing asks for it again.
        Assert.DoesNotContain("<script", await visitor.PageAsync("/sign-in"), StringComparison.Ordinal);
        using var entered = await visitor.SignInAsync(keyed.Secret("operator"), "/dead-letters?queue=orders");
        Assert.Equal(303, (int)entered.StatusCode);
        Assert.Equal("/dead-letters?queue=orders", entered.Headers.Location!.OriginalString);
        var cookie = entered.Headers.GetValues("Set-Cookie").Single(text => text.StartsWith(Gate.Cookie, StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("max-age=43200", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(keyed.Secret("operator"), cookie, StringComparison.Ordinal);
        Assert.Contains("the-operator", await visitor.PageAsync("/"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("//evil.example/")]
    [InlineData("https://evil.example/")]
    [InlineData("/\\evil.example")]
    [InlineData("/\t/evil.example")]
    [InlineData("/%C3%A9\u00e9")]
    [InlineData("/sign-out")]
    [InlineData("")]
    public async Task It_leads_nowhere_else(string next)
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using var visitor = new Visitor(keyed.Relay.Http.BaseAddress!);
        using var entered = await visitor.SignInAsync(keyed.Secret("viewer"), next);
        Assert.Equal("/", entered.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task A_wrong_key_and_a_producers_key_do_not_sign_in()
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using var visitor = new Visitor(keyed.Relay.Http.BaseAddress!);
        using (var wrong = await visitor.SignInAsync("rk_wrong"))
            Assert.Equal(401, (int)wrong.StatusCode);
        using (var producer = await visitor.SignInAsync(keyed.Secret("producer")))
            Assert.Equal(403, (int)producer.StatusCode);
        using (var forged = await visitor.Http.PostAsync("/sign-in", new FormUrlEncodedContent(
            [KeyValuePair.Create("key", keyed.Secret("admin")), KeyValuePair.Create("form_token", "x")]), Token))
            Assert.Equal(403, (int)forged.StatusCode);
        Assert.Null(visitor.Session);
    }

    [Fact]
    public async Task A_refused_sign_in_is_in_the_audit_without_the_key_and_one_a_second_at_most()
    {
        var clock = new ManualClock();
        await using var keyed = await KeyedRelay.StartAsync(time: clock);
        using var visitor = new Visitor(keyed.Relay.Http.BaseAddress!);
        for (var i = 0; i < 3; i++)
            (await visitor.SignInAsync("rk_unknown0_0123456789012345678901234567890123456789012")).Dispose();
        clock.Advance(TimeSpan.FromSeconds(1));
        (await visitor.SignInAsync(keyed.Secret("producer"))).Dispose();
        var acts = (await keyed.GetAsync("admin", "/v1/audit?verb=refused"))["items"]!.AsArray();
        Assert.Equal(
            [
                ("the-producer", "POST /sign-in", "the role producer; it needs viewer, from 127.0.0.1"),
                ("(unknown key)", "POST /sign-in", "a key that is unknown, removed or over, from 127.0.0.1"),
            ],
            acts.Select(act => (act!["actor"]!.GetValue<string>(), act["target"]!.GetValue<string>(), act["reason"]!.GetValue<string>())));
    }

    [Fact]
    public async Task The_audit_tells_when_by_the_clock()
    {
        var clock = new ManualClock();
        await using var keyed = await KeyedRelay.StartAsync(time: clock);
        using var person = new Visitor(keyed.Relay.Http.BaseAddress!);
        (await person.SignInAsync(keyed.Secret("operator"))).Dispose();
        clock.Advance(TimeSpan.FromSeconds(307));
        Assert.Contains("title=\"5 min 7 s ago\">2026-01-01 00:00:00 UTC</time>", await person.PageAsync("/audit?verb=sign-in"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_session_is_for_pages_only_and_ends_with_signing_out_its_time_or_its_key()
    {
        var clock = new ManualClock();
        await using var keyed = await KeyedRelay.StartAsync(time: clock);
        using var visitor = new Visitor(keyed.Relay.Http.BaseAddress!);
        using (var entered = await visitor.SignInAsync(keyed.Secret("admin")))
            Assert.Equal(303, (int)entered.StatusCode);
        var session = visitor.Session!;
        using (var api = await visitor.Http.GetAsync("/v1/queues", Token))
            await TestRelay.ProblemAsync(api, 401);
        // A browser sends a cookie by itself, whatever page makes it: at the API not even a key counts in it.
        Assert.Equal(401, await StatusWithAsync(keyed, keyed.Secret("admin"), "/v1/queues"));
        using (var bearer = await keyed.SendAsync(session, HttpMethod.Get, "/v1/queues"))
            await TestRelay.ProblemAsync(bearer, 401);
        using (var second = await visitor.SignInAsync(session))
            Assert.Equal(401, (int)second.StatusCode);
        await visitor.PageAsync("/");
        using (var left = await visitor.PostAsync("/", "/sign-out"))
            Assert.Equal("/sign-in", left.Headers.Location!.OriginalString);
        Assert.Equal(303, await StatusWithAsync(keyed, session));

        using (var again = await visitor.SignInAsync(keyed.Secret("viewer")))
            Assert.Equal(303, (int)again.StatusCode);
        Assert.Equal(200, await StatusWithAsync(keyed, visitor.Session!));
        clock.Advance(TimeSpan.FromHours(12));
        Assert.Equal(303, await StatusWithAsync(keyed, visitor.Session!));
        using (var third = await visitor.SignInAsync(keyed.Secret("viewer")))
            Assert.Equal(303, (int)third.StatusCode);
        using (var gone = await keyed.SendAsync("admin", HttpMethod.Delete, "/v1/keys/the-viewer"))
            Assert.Equal(204, (int)gone.StatusCode);
        Assert.Equal(303, await StatusWithAsync(keyed, visitor.Session!));
        var acts = (await keyed.GetAsync("admin", "/v1/audit?actor=alice"))["items"]!.AsArray().Select(act =>
            act!["verb"]!.GetValue<string>());
        Assert.Equal(["key.remove", "sign-out", "sign-in"], acts.Take(3));
    }

    private static async Task<int> StatusWithAsync(KeyedRelay keyed, string session, string path = "/")
    {
        using var http = new HttpClient(new HttpClientHandler { UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = keyed.Relay.Http.BaseAddress,
        };
        http.DefaultRequestHeaders.Add("Cookie", $"{Gate.Cookie}={session}");
        using var answer = await http.GetAsync(path, Token);
        return (int)answer.StatusCode;
    }

    [Fact]
    public async Task A_viewer_sees_no_payload_and_no_button_and_may_not_use_one()
    {
        await using var keyed = await KeyedRelay.StartAsync(TestRelay.Refuses);
        var letter = await keyed.DeadAsync();
        using var viewer = new Visitor(keyed.Relay.Http.BaseAddress!);
        using var person = new Visitor(keyed.Relay.Http.BaseAddress!);
        (await viewer.SignInAsync(keyed.Secret("viewer"))).Dispose();
        (await person.SignInAsync(keyed.Secret("operator"))).Dispose();

        var page = await viewer.PageAsync($"/deliveries/{letter}");
        Assert.DoesNotContain("Meier", page, StringComparison.Ordinal);
        Assert.Contains("does not show payloads", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Replay now", page, StringComparison.Ordinal);
        Assert.DoesNotContain(">Pause<", await viewer.PageAsync("/controls"), StringComparison.Ordinal);
        Assert.DoesNotContain("/audit", await viewer.PageAsync("/"), StringComparison.Ordinal);
        Assert.Contains("needs operator", await viewer.PageAsync("/audit", 403), StringComparison.Ordinal);
        Assert.Contains("needs operator", await viewer.PageAsync($"/deliveries/{letter}/payload", 403), StringComparison.Ordinal);
        using (var forced = await viewer.PostAsync("/", $"/deliveries/{letter}/replay"))
            Assert.Equal(403, (int)forced.StatusCode);

        page = await person.PageAsync($"/deliveries/{letter}");
        Assert.Contains("Meier", page, StringComparison.Ordinal);
        Assert.Contains("Replay now", page, StringComparison.Ordinal);
        using (var done = await person.PostAsync($"/deliveries/{letter}", $"/deliveries/{letter}/note", ("note", "seen"), ("who",
            "mallory")))
            Assert.Equal(303, (int)done.StatusCode);
        var audit = await person.PageAsync("/audit?verb=annotate");
        Assert.Contains("the-operator", audit, StringComparison.Ordinal);
        Assert.DoesNotContain("mallory", audit, StringComparison.Ordinal);
        Assert.Contains($"/deliveries/{letter}", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_script_learns_that_the_session_is_over()
    {
        await using var keyed = await KeyedRelay.StartAsync();
        using var visitor = new Visitor(keyed.Relay.Http.BaseAddress!);
        using var answer = await visitor.Http.GetAsync("/?fragment=1", Token);
        Assert.Equal(401, (int)answer.StatusCode);
    }
}
