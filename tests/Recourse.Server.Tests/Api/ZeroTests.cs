using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Recourse.Sqlite;

namespace Recourse.Server.Tests;

/// <summary>A zero (U+0000) in what is stored or looked for as text: 400 with the name of the field, before any store sees it.</summary>
public sealed partial class ZeroTests(ITestOutputHelper output)
{
    private const string Id = "01900000-0000-7000-8000-000000000001";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [GeneratedRegex("\\{[a-z]+\\}")]
    private static partial Regex Placeholder { get; }

    [GeneratedRegex("name=\"form_token\" value=\"([^\"]+)\"")]
    private static partial Regex TokenField { get; }

    /// <summary>Every parameter of every call, as the API itself tells them.</summary>
    private static async Task<List<(HttpMethod Method, string Path, string Parameter)>> ParametersAsync(TestRelay relay)
    {
        var found = new List<(HttpMethod, string, string)>();
        foreach (var (path, calls) in (await relay.GetAsync("/openapi/v1.json"))["paths"]!.AsObject())
        {
            foreach (var (method, call) in calls!.AsObject())
            {
                foreach (var parameter in call!["parameters"]?.AsArray() ?? [])
                {
                    if (parameter!["in"]!.GetValue<string>() == "query")
                        found.Add((new(method.ToUpperInvariant()), Placeholder.Replace(path, $"{Id}.0"),
                            parameter["name"]!.GetValue<string>()));
                }
            }
        }
        return found;
    }

    [Fact]
    public async Task Every_parameter_of_every_call_refuses_one_by_its_name()
    {
        await using var relay = await TestRelay.StartAsync();
        var parameters = await ParametersAsync(relay);
        Assert.True(parameters.Count > 40, $"only {parameters.Count} parameters were found");
        foreach (var (method, path, parameter) in parameters)
        {
            using var answer = await relay.SendAsync(method, $"{path}?{parameter}=a%00b");
            var problem = await TestRelay.ProblemAsync(answer, 400);
            Assert.Equal($"The parameter '{parameter}' holds a zero (U+0000), which no text here can have; leave it out.",
                problem["detail"]!.GetValue<string>());
        }
    }

    [Theory]
    [InlineData("POST", $"/v1/dead-letters/{Id}.0:discard", """{"reason":"a\u0000"}""", "reason")]
    [InlineData("POST", $"/v1/dead-letters/{Id}.0:replay", """{"actor":"\u0000"}""", "actor")]
    [InlineData("PATCH", $"/v1/dead-letters/{Id}.0", """{"note":"\u0000a"}""", "note")]
    [InlineData("PATCH", $"/v1/dead-letters/{Id}.0", """{"assignee":"a\u0000b"}""", "assignee")]
    [InlineData("PATCH", $"/v1/dead-letters/{Id}.0", """{"no\u0000te":"a"}""", "no\\u0000te")]
    [InlineData("POST", "/v1/replays", """{"all":true,"reason":"a\u0000b"}""", "reason")]
    [InlineData("POST", "/v1/replays", """{"filter":{"text":"a\u0000b"}}""", "text")]
    [InlineData("POST", "/v1/queues/orders:pause", """{"reason":"a\u0000b"}""", "reason")]
    [InlineData("POST", "/v1/services/shop:isolate", """{"reason":"a\u0000b"}""", "reason")]
    [InlineData("POST", "/v1/nodes/1:release", """{"reason":"a\u0000b"}""", "reason")]
    [InlineData("POST", "/v1/keys", """{"role":"admin","name":"a\u0000b"}""", "name")]
    public async Task A_field_of_a_body_refuses_one_by_its_name(string method, string path, string body, string field)
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(new(method), path, body);
        Assert.StartsWith($"The field '{field}' holds a zero", (await TestRelay.ProblemAsync(answer, 400))["detail"]!.GetValue<string>(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_only_looks_like_one_is_taken()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders:pause", """{"reason":"the text \\u0000 itself"}""");
        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Fact]
    public async Task A_line_of_an_import_with_one_costs_itself()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/dead-letters/import",
            $$"""{"id":"{{Id}}.0","queue":"orders","service":"shop","note":"a\u0000","body_base64":"e30="}""", "application/x-ndjson");
        var line = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Token))!;
        Assert.Equal("refused", line["result"]!.GetValue<string>());
        Assert.StartsWith("The field 'note' holds a zero", line["problem"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_path_with_one_names_nothing()
    {
        await using var relay = await TestRelay.StartAsync();
        foreach (var path in (string[])["/v1/queues/or%00ders", $"/v1/dead-letters/{Id}%00", "/deliveries/%00"])
        {
            using var answer = await relay.SendAsync(HttpMethod.Get, path);
            Assert.Equal(400, (int)answer.StatusCode);
        }
    }

    [Fact]
    public async Task The_dashboard_says_so_on_a_page_and_its_forms_refuse_it()
    {
        await using var relay = await TestRelay.StartAsync();
        foreach (var query in (string[])["/dead-letters?text=%00", "/audit?actor=a%00", "/?colour=%00", "/dead-letters/groups?after=%00"])
        {
            using var page = await relay.SendAsync(HttpMethod.Get, query);
            await SaysAsync(page, "holds a zero");
        }
        var token = TokenField.Match(await relay.Http.GetStringAsync("/controls", Token)).Groups[1].Value;
        using (var form = await relay.Http.PostAsync("/queues/orders/pause", new FormUrlEncodedContent(
            [KeyValuePair.Create("reason", "a\0b"), KeyValuePair.Create("form_token", token)]), Token))
            await SaysAsync(form, "a field of it holds a zero");
        using var parts = new MultipartFormDataContent
        {
            { new StringContent("a\0b"), "reason" },
            { new StringContent(token), "form_token" },
        };
        using var answer = await relay.Http.PostAsync("/queues/orders/pause", parts, Token);
        await SaysAsync(answer, "The field &#x27;reason&#x27; holds a zero");
        Assert.Equal("[]", (await relay.GetAsync("/v1/queues/orders"))["controls"]!.ToJsonString());
    }

    private static async Task SaysAsync(HttpResponseMessage page, string words)
    {
        Assert.Equal((400, "text/html"), ((int)page.StatusCode, page.Content.Headers.ContentType?.MediaType));
        Assert.Contains(words, await page.Content.ReadAsStringAsync(Token), StringComparison.Ordinal);
    }

    /// <summary>
    /// Zeros among other odd characters, at any place of a query or a body, against a real file. RECOURSE_SEED repeats a run.
    /// </summary>
    [Fact]
    public async Task Wherever_one_is_put_the_answer_is_400_and_the_relay_serves_on()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var given) ? given : Random.Shared.Next(1 << 30);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var folder = Directory.CreateTempSubdirectory("recourse-zero-");
        try
        {
            await using var relay = await TestRelay.StartAsync(store: new SqliteMessageStore(Path.Combine(folder.FullName, "zero.db")));
            var parameters = await ParametersAsync(relay);
            string[] fields = ["reason", "actor", "note", "assignee", "key", "filter", "name"];
            for (var i = 0; i < 300; i++)
            {
                var text = Odd(random);
                var (method, path, parameter) = parameters[random.Next(parameters.Count)];
                var inQuery = random.Next(2) == 0;
                using var answer = inQuery
                    ? await relay.SendAsync(method, $"{path}?{parameter}={Uri.EscapeDataString(text)}")
                    : await relay.SendAsync(HttpMethod.Post, random.Next(2) == 0 ? "/v1/replays" : $"/v1/dead-letters/{Id}.0:discard",
                        new JsonObject { [fields[random.Next(fields.Length)]] = text }.ToJsonString());
                Assert.True((int)answer.StatusCode == 400, $"seed {seed}, round {i}: {(int)answer.StatusCode} for {path} {parameter}");
            }
            await relay.AcceptedAsync("orders");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Odd(Random random)
    {
        string[] parts = ["a", "%", "\\", "\"", "'", "\u00e9", "\u202e", "\ud83d\ude00", " ", "\u0001", "&", "=", "\0"];
        var text = new StringBuilder();
        for (var length = random.Next(20); length > 0; length--)
            text.Append(parts[random.Next(parts.Length)]);
        return text.Insert(random.Next(text.Length + 1), '\0').ToString();
    }
}
