using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Recourse.Durable;

namespace Recourse.Server.Tests.Serve;

/// <summary>The whole relay under a prefix of an application that has routes of its own.</summary>
public sealed class MountTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static async Task<WebApplication> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddRecourseRelay(new()
        {
            Configuration = RelayConfiguration.Parse(TestRelay.Basic).Configuration! with { ShutdownGrace = default },
            OpenStore = (_, time) => new InMemoryMessageStore(time),
            Handler = TestRelay.Never,
        });
        var app = builder.Build();
        app.MapGet("/hello", () => "of the application");
        app.MapGroup("/ops").MapRecourse();
        await app.StartAsync(Token);
        return app;
    }

    [Fact]
    public async Task Each_path_of_the_document_is_where_a_client_finds_it()
    {
        await using var app = await StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        var document = JsonNode.Parse(await http.GetStringAsync("/ops/openapi/v1.json", Token))!;
        var server = document["servers"]!.AsArray().Single()!["url"]!.GetValue<string>().TrimEnd('/');
        Assert.Equal(http.BaseAddress.ToString().TrimEnd('/'), server);
        var paths = document["paths"]!.AsObject().Select(path => path.Key).ToList();
        Assert.All(paths, path => Assert.StartsWith("/ops/", path, StringComparison.Ordinal));

        // As a client that was made from the document would call it.
        var send = Assert.Single(paths, path => path.EndsWith("/queues/{queue}/messages", StringComparison.Ordinal));
        using var accepted = await http.PostAsync(server + send.Replace("{queue}", "orders", StringComparison.Ordinal),
            new ByteArrayContent("{}"u8.ToArray()), Token);
        Assert.Equal(StatusCodes.Status202Accepted, (int)accepted.StatusCode);
    }

    [Fact]
    public async Task The_dashboard_stands_under_the_prefix_and_the_application_keeps_its_own_paths()
    {
        await using var app = await StartAsync();
        using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
        Assert.Equal("of the application", await http.GetStringAsync("/hello", Token));
        using var foreign = await http.GetAsync("/v1/queues", Token);
        Assert.Equal(StatusCodes.Status404NotFound, (int)foreign.StatusCode);
        var page = await http.GetStringAsync("/ops/", Token);
        Assert.Contains("/ops/assets/", page, StringComparison.Ordinal);
        Assert.Contains("orders", await http.GetStringAsync("/ops/v1/queues", Token), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/nope", "text/html", "text/html")]
    [InlineData("/deeper/nope/", "text/html,*/*", "text/html")]
    [InlineData("/nope", "application/json", "application/problem+json")]
    [InlineData("/v1/nope", "text/html", "application/problem+json")]
    public async Task Where_nothing_is_a_browser_gets_a_page_and_a_program_a_problem(string path, string accept, string type)
    {
        await using var relay = await TestRelay.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.ParseAdd(accept);
        using var answer = await relay.Http.SendAsync(request, Token);
        Assert.Equal((StatusCodes.Status404NotFound, new MediaTypeHeaderValue(type).MediaType),
            ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var text = await answer.Content.ReadAsStringAsync(Token);
        if (type == "text/html")
            Assert.Contains("There is no page at this address", text, StringComparison.Ordinal);
    }
}
