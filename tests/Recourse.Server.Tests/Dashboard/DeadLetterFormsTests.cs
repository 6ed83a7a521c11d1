using System.Net;
using Recourse.Durable;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>Replay and discard by the forms of the page alone.</summary>
public class DeadLetterFormsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("replay", DeliveryState.Waiting, "Replayed.")]
    [InlineData("discard", DeliveryState.Discarded, "Discarded.")]
    public async Task A_form_acts_once_and_the_next_page_says_so_once(string verb, DeliveryState expected, string said)
    {
        await using var host = await DashboardHost.StartAsync("/ops");
        var letter = await host.Scene.DeadAsync();
        using var answer = await PostAsync(host, letter, verb, await TokenAsync(host, letter), "total was fixed");
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Equal($"/ops/deliveries/{letter}", answer.Headers.Location!.OriginalString);
        var delivery = await host.Store.Queries.DeliveryAsync(letter, Stop);
        Assert.Equal(expected, delivery!.State);
        Assert.Equal($"{verb}: by dashboard: total was fixed", delivery.Decision);

        var fragment = await host.PageAsync($"/ops/deliveries/{letter}?fragment=1");
        Assert.DoesNotContain(said, fragment, StringComparison.Ordinal);
        var first = await host.PageAsync($"/ops/deliveries/{letter}");
        Assert.Contains(said, first, StringComparison.Ordinal);
        Assert.DoesNotContain("<form method=\"post\"", first, StringComparison.Ordinal);
        Assert.DoesNotContain(said, await host.PageAsync($"/ops/deliveries/{letter}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_that_someone_else_replayed_meanwhile_is_left_alone()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        var token = await TokenAsync(host, letter);
        await host.Store.CommitAsync(new ReplayCommand(letter, "anna", null), Stop);
        using var answer = await PostAsync(host, letter, "discard", token);
        Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        Assert.Contains("Nothing was changed", await host.PageAsync($"/deliveries/{letter}"), StringComparison.Ordinal);
        Assert.Equal(DeliveryState.Waiting, (await host.Store.Queries.DeliveryAsync(letter, Stop))!.State);
    }

    [Theory]
    [InlineData("no token")]
    [InlineData("another browser's token")]
    [InlineData("no cookie")]
    [InlineData("empty token and cookie")]
    [InlineData("cross-site")]
    [InlineData("same-site")]
    [InlineData("other port")]
    [InlineData("null origin")]
    public async Task A_form_of_another_page_changes_nothing(string trick)
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        var token = await TokenAsync(host, letter);
        using var stranger = host.NewClient();
        using var answer = await PostAsync(
            host, letter, "discard",
            trick switch
            {
                "no token" => null,
                "empty token and cookie" => "",
                "another browser's token" => "AAAAAAAAAAAAAAAAAAAAAA",
                _ => token,
            },
            client: trick is "no cookie" or "empty token and cookie" ? stranger : null,
            change: request =>
            {
                if (trick == "empty token and cookie")
                    request.Headers.Add("Cookie", "recourse-form=");
                if (trick is "cross-site" or "same-site")
                    request.Headers.Add("Sec-Fetch-Site", trick);
                if (trick == "other port")
                    request.Headers.Add("Origin", $"http://127.0.0.1:{host.Address.Port + 1}");
                if (trick == "null origin")
                    request.Headers.Add("Origin", "null");
            });
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("Nothing was changed", await answer.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        Assert.Equal(DeliveryState.Dead, (await host.Store.Queries.DeliveryAsync(letter, Stop))!.State);
    }

    [Fact]
    public async Task A_body_that_is_no_form_is_refused()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        using var body = new StringContent("{}", null, "application/json");
        using var answer = await host.Client.PostAsync($"/deliveries/{letter}/replay", body, Stop);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=x", "no part and no end")]
    [InlineData("multipart/form-data", "no boundary")]
    [InlineData("application/x-www-form-urlencoded", "FIELDS")]
    public async Task A_form_that_is_malformed_is_refused(string type, string text)
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        using var body = new StringContent(text.Replace("FIELDS", string.Concat(Enumerable.Repeat("a&", 2000)), StringComparison.Ordinal));
        body.Headers.Remove("Content-Type");
        body.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await host.Client.PostAsync($"/deliveries/{letter}/replay", body, Stop);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task A_form_larger_than_the_page_can_send_is_refused_unread()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        using var answer = await PostAsync(host, letter, "discard", await TokenAsync(host, letter), new string('x', 20_000));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        Assert.Equal(DeliveryState.Dead, (await host.Store.Queries.DeliveryAsync(letter, Stop))!.State);
    }

    [Fact]
    public async Task A_form_for_a_delivery_that_is_gone_says_so()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        using var answer = await PostAsync(host, new(Guid.CreateVersion7(), 0), "replay", await TokenAsync(host, letter));
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task The_token_s_cookie_is_kept_from_scripts_and_other_sites()
    {
        await using var host = await DashboardHost.StartAsync("/ops");
        using var client = host.NewClient();
        using var answer = await client.GetAsync("/ops/", Stop);
        var cookie = Assert.Single(answer.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("path=/ops", cookie, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_letter_is_taken_edited_noted_and_resolved_by_forms_and_the_page_tells_it_all()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        var token = await TokenAsync(host, letter);
        async Task<string> DoAsync(string verb, params (string Name, string Value)[] fields)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, $"/deliveries/{letter}/{verb}");
            request.Content = new FormUrlEncodedContent(
                fields.Append(("form_token", token)).ToDictionary(field => field.Item1, field => field.Item2));
            using var answer = await host.Client.SendAsync(request, Stop);
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
            var html = await host.PageAsync($"/deliveries/{letter}");
            HtmlCheck.AssertSound(html);
            return html;
        }

        Assert.Contains("You have it in hand", await DoAsync("take", ("who", "ann"), ("minutes", "30")), StringComparison.Ordinal);
        Assert.Equal("ann", (await host.Store.Queries.DeliveryAsync(letter, Stop))!.TakenBy);
        var edited = await DoAsync("edit", ("edits", "0"), ("body", "{\r\n\"order\":7}"), ("reason", "typo"));
        Assert.Contains("What edits changed", edited, StringComparison.Ordinal);
        var payload = await host.Store.Queries.PayloadAsync(letter, Stop);
        Assert.Equal("{\n\"order\":7}", System.Text.Encoding.UTF8.GetString(payload!.Body.Span));
        Assert.Contains("somebody edited the payload meanwhile",
            await DoAsync("edit", ("edits", "0"), ("body", "x")), StringComparison.Ordinal);
        await DoAsync("note", ("assignee", "bob"), ("note", "<b>asked</b>"), ("manual", "true"));
        var noted = (await host.Store.Queries.DeliveryAsync(letter, Stop))!;
        Assert.Equal(("bob", "<b>asked</b>", true), (noted.Assignee, noted.Note, noted.Parked));
        await host.Store.CommitAsync(new LetGoCommand(letter, "bob"), Stop);
        await host.Store.CommitAsync(new TakeCommand(letter, "bob", TimeSpan.FromHours(1)), Stop);
        Assert.Contains("somebody else has this letter in hand", await DoAsync("resolve", ("reason", "done")), StringComparison.Ordinal);
        await DoAsync("release");
        var resolved = await DoAsync("resolve", ("reason", "paid by phone"));
        Assert.Contains("resolve: by ann: paid by phone", resolved, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>asked", resolved, StringComparison.Ordinal);
        Assert.True((await host.Store.Queries.DeliveryAsync(letter, Stop))!.Resolved);
    }

    [Fact]
    public async Task A_form_with_a_field_that_cannot_be_is_refused()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        using var take = await PostAsync(host, letter, "take", await TokenAsync(host, letter));
        Assert.Equal(HttpStatusCode.BadRequest, take.StatusCode);
        using var resolve = await PostAsync(host, letter, "resolve", await TokenAsync(host, letter));
        Assert.Equal(HttpStatusCode.BadRequest, resolve.StatusCode);
    }

    private static async Task<string> TokenAsync(DashboardHost host, DeliveryId letter)
    {
        var prefix = host.Prefix;
        var html = await host.PageAsync($"{prefix}/deliveries/{letter}");
        var token = html.Split("name=\"form_token\" value=\"")[1];
        return token[..token.IndexOf('"', StringComparison.Ordinal)];
    }

    private static async Task<HttpResponseMessage> PostAsync(
        DashboardHost host, DeliveryId letter, string verb, string? token, string reason = "", HttpClient? client = null,
        Action<HttpRequestMessage>? change = null)
    {
        var fields = new Dictionary<string, string> { ["reason"] = reason };
        if (token is not null)
            fields.Add("form_token", token);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{host.Prefix}/deliveries/{letter}/{verb}");
        request.Content = new FormUrlEncodedContent(fields);
        change?.Invoke(request);
        return await (client ?? host.Client).SendAsync(request, Stop);
    }
}
