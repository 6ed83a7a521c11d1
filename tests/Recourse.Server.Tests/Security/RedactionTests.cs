using System.Text;
using System.Text.Json.Nodes;
using Recourse.Durable;
using Recourse.Server.Redaction;

namespace Recourse.Server.Tests;

/// <summary>What is masked, where, and that what is delivered is not.</summary>
public sealed class RedactionTests
{
    private static Redactor With(params string[] paths) => new([], [.. paths.Select(path => JsonPath.Parse(path)!)]);

    private static string Masked(Redactor redactor, string body) =>
        Encoding.UTF8.GetString(redactor.Payload(new(Encoding.UTF8.GetBytes(body), "application/json", null)).Body.Span);

    [Theory]
    [InlineData("patient.ssn", """{"patient":{"ssn":"1","name":"M"},"ssn":"2"}""",
        """{"patient":{"ssn":"[redacted]","name":"M"},"ssn":"2"}""")]
    [InlineData("cards.number", """{"cards":[{"number":1},{"number":[2]}]}""",
        """{"cards":[{"number":"[redacted]"},{"number":"[redacted]"}]}""")]
    [InlineData("cards.*.number", """{"cards":{"a":{"number":1},"b":{"no":2}}}""",
        """{"cards":{"a":{"number":"[redacted]"},"b":{"no":2}}}""")]
    [InlineData("cards.*.number", """{"cards":[{"number":"4111","cvc":1},{"number":[2]},7]}""",
        """{"cards":[{"number":"[redacted]","cvc":1},{"number":"[redacted]"},7]}""")]
    [InlineData("cards.*.number", """{"cards":{"a":[{"number":1}]}}""", """{"cards":{"a":[{"number":"[redacted]"}]}}""")]
    [InlineData("*.number", """[{"number":1},{"no":2}]""", """[{"number":"[redacted]"},{"no":2}]""")]
    [InlineData("a.*", """{"a":["x",{"y":1}],"b":["z"]}""", """{"a":["[redacted]","[redacted]"],"b":["z"]}""")]
    [InlineData("a.*.*", """{"a":[["x"],{"y":1},{"z":[2]}]}""", """{"a":[["[redacted]"],{"y":"[redacted]"},{"z":"[redacted]"}]}""")]
    [InlineData("a.**.*", """{"a":[1,{"b":2}],"c":3}""", """{"a":["[redacted]","[redacted]"],"c":3}""")]
    [InlineData("**.password", """{"password":1,"a":[{"b":{"Password":{"x":2}}}]}""",
        """{"password":"[redacted]","a":[{"b":{"Password":"[redacted]"}}]}""")]
    [InlineData("a.**.z", """{"a":{"z":1,"b":{"z":2}},"z":3}""", """{"a":{"z":"[redacted]","b":{"z":"[redacted]"}},"z":3}""")]
    [InlineData("a.*", """{"a":{"x":1,"y":null}}""", """{"a":{"x":"[redacted]","y":"[redacted]"}}""")]
    [InlineData("nothing.here", """{ "a" : 1 }""", """{ "a" : 1 }""")]
    [InlineData("ssn", "ssn=123-45&name=M", "ssn=[redacted]&name=M")]
    [InlineData("ssn", """{"ssn": "12, "name": """, """{"ssn": "[redacted]"name": """)]
    [InlineData("ssn", """{"ssn":"1","ssn":2,"n":1,"n":2}""", """{"ssn":"[redacted]","ssn":"[redacted]","n":1,"n":2}""")]
    [InlineData("a.ssn", """{"n":1,"n":2,"a":{"ssn":"1"},"a":[{"ssn":3}]}""",
        """{"n":1,"n":2,"a":{"ssn":"[redacted]"},"a":[{"ssn":"[redacted]"}]}""")]
    [InlineData("ssn", """{"\ud800":"x","ssn":"1"}""", """{"\ud800":"x","ssn":"[redacted]"}""")]
    [InlineData("ssn", """{"x":"\ud800","ssn":"1"}""", """{"x":"\ud800","ssn":"[redacted]"}""")]
    [InlineData("ssn", """{"ssn": {"a": "12", "b""", """{"ssn": [redacted]""")]
    [InlineData("ssn", "{\"ssn\": {\n\"a\": \"12\"\n}, \"n\": ", "{\"ssn\": [redacted], \"n\": ")]
    public void Places_in_a_body_are_masked(string path, string body, string expected) => Assert.Equal(expected, Masked(With(path), body));

    [Theory]
    [InlineData("Authorization: Bearer abc.def", "Authorization: [redacted]")]
    [InlineData("bad {\"api_token\":\"s3cret\"} sent", "bad {\"api_token\":\"[redacted]\"} sent")]
    [InlineData("X-Api-Key=0123456789, try again", "X-Api-Key=[redacted], try again")]
    [InlineData("Unexpected token: end of file", "Unexpected token: end of file")]
    [InlineData("password = hunter22", "password = [redacted]")]
    [InlineData("HTTP 503 Service Unavailable", "HTTP 503 Service Unavailable")]
    [InlineData("""bad {\"api_token\":\"s3\\\"cret\",\"n\":1} sent""", """bad {\"api_token\":\"[redacted]\",\"n\":1} sent""")]
    [InlineData("""{\\\"api_token\\\":\\\"s\\\\\\\"x\\\",1}""", """{\\\"api_token\\\":\\\"[redacted]\\\",1}""")]
    [InlineData("""bad {"api_token":"s\"3\\","n":1}""", """bad {"api_token":"[redacted]","n":1}""")]
    [InlineData("bad {\"api_token\":\"cut in the middle", "bad {\"api_token\":\"[redacted]\"")]
    [InlineData("bad {\"api_token\":[\"a\",\"b\"]} sent\nnext", "bad {\"api_token\":[redacted]\nnext")]
    [InlineData("bad {\"api_token\":{\"a\":\n1}} sent\nnext", "bad {\"api_token\":[redacted]} sent\nnext")]
    public void Texts_lose_the_values_of_secret_names(string text, string expected) => Assert.Equal(expected, With().Text(text));

    [Fact]
    public void One_byte_that_is_no_text_does_not_show_the_rest()
    {
        byte[] body = [.. "{\"x\":\""u8, 0xff, .. "\",\"ssn\":\"12\","u8];
        byte[] masked = [.. "{\"x\":\""u8, 0xff, .. "\",\"ssn\":\"[redacted]\","u8];
        Assert.Equal(masked, With("ssn").Payload(new(body, null, null)).Body.ToArray());
    }

    private const string Two = """{"p":[{"n":"A","ssn":"1"},{"n":"B","ssn":"2"}],"c":1}""";

    [Theory]
    [InlineData(Two, """{"p":[{"n":"A","ssn":"[redacted]"},{"ssn":"[redacted]","n":"B"}],"c":2}""",
        """{"p":[{"n":"A","ssn":"1"},{"ssn":"2","n":"B"}],"c":2}""")]
    [InlineData(Two, """{"p":[{"n":"C","ssn":"3"},{"n":"B","ssn":"[redacted]"}]}""", """{"p":[{"n":"C","ssn":"3"},{"n":"B","ssn":"2"}]}""")]
    [InlineData(Two, """{"p":[{"n":"B","ssn":"[redacted]"}]}""", null)]
    [InlineData(Two, """{"p":[{"n":"B","ssn":"[redacted]"},{"n":"A","ssn":"[redacted]"}]}""", null)]
    [InlineData(Two, """{"p":[{"n":"A","ssn":"[redacted]","x":1},{"n":"B","ssn":"2"}]}""", null)]
    [InlineData(Two, """{"p":{"n":"A","ssn":"[redacted]"}}""", null)]
    [InlineData("""{"p":{"ssn":"1","ssn":"2"}}""", """{"p":{"ssn":"[redacted]","ssn":"[redacted]"}}""", """{"p":{"ssn":"1","ssn":"2"}}""")]
    [InlineData("""{"p":{"ssn":"1"}}""", """{"p":{"ssn":"[redacted]","ssn":"[redacted]"}}""", null)]
    [InlineData("no json", """{"p":{"ssn":"[redacted]"}}""", null)]
    [InlineData("""{"p":{"ssn":"1"}}""", """{"p":{"ssn":"[redacted]"}, cut""", null)]
    [InlineData("""{"p":{"\ud800":"x","ssn":"1"}}""", """{"p":{"ssn":"[redacted]"}}""", null)]
    public void A_mask_is_put_back_only_where_what_it_hides_is_certain(string stored, string edited, string? expected)
    {
        ReadOnlyMemory<byte> Restored() => With("p.ssn").Restore(Encoding.UTF8.GetBytes(edited), Encoding.UTF8.GetBytes(stored));
        if (expected is not null)
            Assert.Equal(expected, Encoding.UTF8.GetString(Restored().Span));
        else
            Assert.Contains("Write the value", Assert.Throws<ArgumentException>(() => Restored()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Headers_are_masked_by_name_with_stars()
    {
        var shown = new Redactor(["X-Card*"], []).Headers(new Dictionary<string, string>
        {
            ["authorization"] = "a",
            ["set-cookie"] = "b",
            ["x-api-key"] = "c",
            ["X-CSRF-Token-2"] = "d",
            ["x-card-no"] = "e",
            ["ce-type"] = "f",
        })!;
        Assert.Equal(["ce-type"], shown.Where(header => header.Value != Redactor.Mask).Select(header => header.Key));
    }

    [Theory]
    [InlineData("", "is no place in JSON")]
    [InlineData("a..b", "is no place in JSON")]
    [InlineData("a.'b'", "is no place in JSON")]
    [InlineData("a[0]", "has brackets")]
    [InlineData("cards[*].number", "has brackets")]
    [InlineData("$.a", "begins with $")]
    [InlineData("***", "has a star within a name")]
    [InlineData("a.b*", "has a star within a name")]
    [InlineData("**", "ends with **")]
    public void What_is_no_place_is_refused_with_its_reason(string path, string reason)
    {
        Assert.Null(JsonPath.Parse(path));
        Assert.Contains(reason, JsonPath.Mistake(path), StringComparison.Ordinal);
    }

    private const string Patient = """{"patient":{"ssn":"9","name":"M"},"note":"n","tags":["a","b"],"log":"[redacted]"}""";

    [Theory]
    [InlineData("""{"patient":{"ssn":"[redacted]","name":"N"},"note":"new","tags":["a"],"log":"[redacted]"}""", null)]
    [InlineData("""{"patient":{"ssn":"9"},"note":"[redacted]"}""", "note")]
    [InlineData("""{"patient":{"ssn":"[redacted]","name":"[redacted]"}}""", "patient.name")]
    [InlineData("""{"tags":["a","[redacted]"]}""", "tags.1")]
    [InlineData("""{"patient":{"ssn":{"old":"[redacted]"}}}""", "patient.ssn.old")]
    [InlineData("""{"new":{"a":[{"b":"[redacted]"}]}}""", "new.a.0.b")]
    public void A_mask_where_nothing_is_masked_is_refused_with_its_place(string edited, string? place)
    {
        ReadOnlyMemory<byte> Restored() => With("patient.ssn").Restore(Encoding.UTF8.GetBytes(edited), Encoding.UTF8.GetBytes(Patient));
        if (place is null)
            Assert.Equal(edited.Replace("\"ssn\":\"[redacted]\"", "\"ssn\":\"9\"", StringComparison.Ordinal),
                Encoding.UTF8.GetString(Restored().Span));
        else
            Assert.Contains($"[redacted] at {place}, where", Assert.Throws<ArgumentException>(() => Restored()).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void A_masked_entry_of_a_list_keeps_its_value_while_the_list_keeps_its_length()
    {
        ReadOnlyMemory<byte> Restored(string edited) =>
            With("a.*").Restore(Encoding.UTF8.GetBytes(edited), """{"a":["x","y"]}"""u8.ToArray());
        Assert.Equal("""{"a":["x","z"]}""", Encoding.UTF8.GetString(Restored("""{"a":["[redacted]","z"]}""").Span));
        Assert.Contains("Write the value", Assert.Throws<ArgumentException>(() => Restored("""{"a":["[redacted]"]}""")).Message,
            StringComparison.Ordinal);
    }

    private const string Yaml = "redact: { json: [\"**.ssn\"], headers: [X-Patient] }\n" + TestRelay.Basic;

    [Fact]
    public async Task A_letter_is_shown_exported_and_told_of_with_masks_and_delivered_without()
    {
        var delivered = new TaskCompletionSource<ClaimedDelivery>();
        var mended = false;
        async ValueTask<DeliveryResult> Handle(ClaimedDelivery delivery, CancellationToken token)
        {
            if (!mended)
                return DeliveryResult.Failed((await TestRelay.Refuses(delivery, token)).Fault!,
                    "HTTP 400: {\"ssn\":\"123-45\"} is no ssn", "400");
            delivered.TrySetResult(delivery);
            return await TestRelay.Delivers(delivery, token);
        }
        var yaml = Yaml.Replace("shop: { url: \"http://127.0.0.1:9/\" }",
            "shop: { url: \"http://127.0.0.1:9/\", allow_headers: [X-Patient] }",
            StringComparison.Ordinal);
        await using var relay = await TestRelay.StartAsync(yaml, Handle);
        await relay.AcceptedAsync("orders", """{"ssn":"123-45","n":1}""", ("X-Patient", "Meier"));
        var letter = (await relay.UntilAsync("/v1/dead-letters", list => list["items"]!.AsArray().Count == 1))["items"]![0]!;
        var id = letter["id"]!.GetValue<string>();
        Assert.Equal("HTTP 400: {\"ssn\":\"[redacted]\"} is no ssn", letter["error"]!.GetValue<string>());
        foreach (var path in (string[])[$"/v1/dead-letters/{id}", $"/v1/dead-letters/{id}/payload", $"/v1/messages/{id[..36]}",
            "/v1/dead-letters/groups",
            "/v1/dead-letters/export", $"/deliveries/{id}", $"/deliveries/{id}/payload", "/v1/services"])
        {
            using var answer = await relay.SendAsync(HttpMethod.Get, path);
            var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            Assert.DoesNotContain("123-45", text, StringComparison.Ordinal);
            Assert.DoesNotContain("Meier", text, StringComparison.Ordinal);
            if (path.EndsWith("export", StringComparison.Ordinal))
                Assert.Equal("""{"ssn":"[redacted]","n":1}""",
                    Encoding.UTF8.GetString(Convert.FromBase64String(JsonNode.Parse(text)!["body_base64"]!.GetValue<string>())));
        }
        await AnExportWarnsOfItsMasksAsync(relay);
        // Somebody edits what they were shown: the mask stands for what it hides.
        using (var edited = await relay.SendAsync(HttpMethod.Put, $"/v1/dead-letters/{id}/payload", """{"ssn":"[redacted]","n":2}""",
            "application/json", ("If-Match", "*")))
            Assert.Equal(200, (int)edited.StatusCode);
        using (var bad = await relay.SendAsync(HttpMethod.Put, $"/v1/dead-letters/{id}/payload", """{"other":{"ssn":"[redacted]"}}""",
            "application/json", ("If-Match", "*")))
            Assert.Contains("Write the value", (await TestRelay.ProblemAsync(bad, 400))["detail"]!.GetValue<string>(),
                StringComparison.Ordinal);
        mended = true;
        using (var sent = await relay.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}:replay"))
            Assert.Equal(200, (int)sent.StatusCode);
        var whole = await delivered.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("""{"ssn":"123-45","n":2}""", Encoding.UTF8.GetString(whole.Body.Span));
        Assert.Equal("Meier", whole.Headers!["x-patient"]);
    }

    // What an import would refuse is said where it is written, and by the import when it is tried.
    private static async Task AnExportWarnsOfItsMasksAsync(TestRelay relay)
    {
        using var export = await relay.SendAsync(HttpMethod.Get, "/v1/dead-letters/export");
        var line = JsonNode.Parse(await export.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!;
        Assert.StartsWith("Values in it are masked, so an import refuses it: ", line["warning"]!.GetValue<string>(),
            StringComparison.Ordinal);
        Assert.Contains("Write the value", await ImportAsync(relay, line), StringComparison.Ordinal);
        // The values are written back; the warning was left.
        line["id"] = "01900000-0000-7000-8000-000000000001.0";
        line["idempotency_key"] = "01900000-0000-7000-8000-000000000001";
        line["body_base64"] = Convert.ToBase64String("""{"ssn":"9","n":1}"""u8);
        line["headers"] = new JsonObject { ["x-patient"] = "Huber" };
        var imported = await ImportAsync(relay, line);
        Assert.True(imported.Contains("\"imported\"", StringComparison.Ordinal), imported);
        using var gone = await relay.SendAsync(HttpMethod.Post, "/v1/dead-letters/01900000-0000-7000-8000-000000000001.0:discard");
        Assert.Equal(200, (int)gone.StatusCode);
    }

    private static async Task<string> ImportAsync(TestRelay relay, JsonNode line)
    {
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/dead-letters/import", line.ToJsonString(), "application/x-ndjson");
        return await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
