using System.Text;
using System.Text.Json;
using Recourse.Cli.Commands;

namespace Recourse.Server.Tests.Cli;

/// <summary><c>recourse classify</c> as scripts use it: lines of failures in, lines of answers out.</summary>
public sealed class ClassifyTests
{
    private static readonly string[] Members =
        ["persistence", "throttling", "kind", "category", "severity", "scope", "applied", "evidence"];

    [Fact]
    public async Task An_answer_has_exactly_the_promised_members_with_the_promised_values()
    {
        var (answers, wrong) = await Filter("""{"family":"postgres","code":"40P01","message":"deadlock detected"}""");

        var answer = Assert.Single(answers);
        Assert.Equal(0, wrong);
        Assert.Equal(Members, answer.EnumerateObject().Select(member => member.Name));
        Assert.Equal(("transient", "db_deadlock", "dependency", "transaction", "no"), (Text(answer, "persistence"), Text(answer, "kind"),
            Text(answer, "category"), Text(answer, "scope"), Text(answer, "applied")));
        Assert.Equal(JsonValueKind.False, answer.GetProperty("throttling").ValueKind);
        Assert.Equal("postgres 40P01", Text(answer, "evidence"));
        Assert.Contains(Text(answer, "severity"), new[] { "info", "low", "medium", "high", "critical" });
    }

    [Theory]
    [InlineData("""{"code":"503"}""", "transient", "service_unavailable")]
    [InlineData("""{"family":"http","code":429}""", "transient", "rate_limit_exceeded")]
    [InlineData("""{"message":"Connection refused"}""", "transient", "connection_refused")]
    [InlineData("""{"family":"sqlserver","code":null,"message":"Login failed for user 'sa'."}""", "permanent", "unauthorized")]
    [InlineData("""{"family":"HTTP","code":"0404"}""", "permanent", "not_found")]
    [InlineData("""{"code":"ECONNRESET"}""", "transient", "connection_reset")]
    [InlineData("""{"message":""}""", "unknown", "unknown")]
    [InlineData("{}", "unknown", "unknown")]
    public async Task Parts_may_be_missing(string line, string persistence, string kind)
    {
        var (answers, _) = await Filter(line);

        Assert.Equal((persistence, kind), (Text(answers[0], "persistence"), Text(answers[0], "kind")));
    }

    [Fact]
    public async Task A_family_or_a_code_that_nobody_knows_is_named_as_such()
    {
        var (answers, _) = await Filter("""{"family":"acme","code":"17"}""", """{"family":"grpc","code":"99"}""");

        Assert.Equal("unknown", Text(answers[0], "persistence"));
        Assert.Equal("nothing known: there is no family \"acme\"", Text(answers[0], "evidence"));
        Assert.Equal("nothing known: grpc has no such code", Text(answers[1], "evidence"));
    }

    [Fact]
    public async Task A_line_that_is_no_failure_has_an_error_in_its_place_and_the_rest_goes_on()
    {
        var (answers, wrong) = await Filter("""{"code":"503"}""", "{nonsense", "[1]", """{"code":{}}""", """{"code":"404"}""");

        Assert.Equal(3, wrong);
        Assert.Equal(5, answers.Count);
        Assert.All(answers.Skip(1).Take(3), answer => Assert.Equal(["error"], answer.EnumerateObject().Select(member => member.Name)));
        Assert.Equal("not_found", Text(answers[4], "kind"));
    }

    [Fact]
    public async Task A_line_of_more_than_a_megabyte_has_an_error_and_the_next_is_answered()
    {
        var (answers, wrong) = await Filter($$"""{"message":"{{new string('x', 1_100_000)}}"}""", """{"code":"503"}""");

        Assert.Equal(1, wrong);
        Assert.Contains("longer than", Text(answers[0], "error"));
        Assert.Equal("service_unavailable", Text(answers[1], "kind"));
    }

    [Fact]
    public async Task A_hundred_thousand_lines_are_answered_in_order()
    {
        var input = new StringBuilder();
        for (var i = 0; i < 100_000; i++) input.Append("{\"family\":\"http\",\"code\":\"").Append(400 + (i % 200)).Append("\"}\n");
        using var output = new MemoryStream();

        await ClassifyCommand.FilterAsync(new MemoryStream(Encoding.UTF8.GetBytes(input.ToString())), output,
            TestContext.Current.CancellationToken);

        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(100_000, lines.Length);
        for (var i = 0; i < lines.Length; i += 997) Assert.Contains($"\"http {400 + (i % 200)}\"", lines[i]);
    }

    [Fact]
    public async Task The_command_ends_with_1_when_a_line_was_no_failure()
    {
        var environment = new Dictionary<string, string>();
        var good = await CliProcess.RunAsync("{\"code\":\"503\"}\n", ["classify", "--ndjson"], environment);
        var bad = await CliProcess.RunAsync("{\"code\":\"503\"}\nnonsense", ["classify", "--ndjson"], environment);

        Assert.Equal((0, ""), (good.ExitCode, good.Error));
        Assert.Equal(1, bad.ExitCode);
        Assert.Equal(2, bad.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Contains("1 line", bad.Error);
    }

    [Fact]
    public async Task A_text_is_explained_to_people_and_as_json()
    {
        var words = await CliProcess.RunAsync("classify", "kafka 7");
        var json = await CliProcess.RunAsync("classify", "40P01", "--json");
        var nothing = await CliProcess.RunAsync("classify");

        Assert.Contains("kafka 7", words.Out);
        Assert.Contains("transient: it passes", words.Out);
        Assert.Equal("db_deadlock", Text(JsonElement.Parse(json.Out), "kind"));
        Assert.Equal(2, nothing.ExitCode);
    }

    [Theory]
    [InlineData("kafka unavailable", "transient")]       // words, though every code of kafka has a meaning
    [InlineData("mongodb timeout", "transient")]
    [InlineData("mysql gone", "unknown")]
    [InlineData("grpc unavailable", "transient")]
    [InlineData("kafka 9999", "permanent")]
    [InlineData("kafka request_timed_out", "transient")]
    [InlineData("aws SlowDown", "transient")]
    [InlineData("sql server 1205", "transient")]
    public async Task A_family_is_read_with_a_code_behind_it_and_as_a_text_with_a_word(string text, string persistence)
    {
        var run = await CliProcess.RunAsync("classify", text, "--json");

        Assert.Equal(persistence, Text(JsonElement.Parse(run.Out), "persistence"));
    }

    private static async Task<(List<JsonElement> Answers, long Wrong)> Filter(params string[] lines)
    {
        using var output = new MemoryStream();
        var input = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        var wrong = await ClassifyCommand.FilterAsync(input, output, TestContext.Current.CancellationToken);
        var answers = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return ([.. answers.Select(answer => JsonElement.Parse(answer))], wrong);
    }

    private static string Text(JsonElement answer, string name) => answer.GetProperty(name).GetString()!;
}
