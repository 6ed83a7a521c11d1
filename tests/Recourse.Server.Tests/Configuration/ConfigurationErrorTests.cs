using System.Text;

namespace Recourse.Server.Tests.Configuration;

public class ConfigurationErrorTests
{
    private const string S = "services: { s: { url: 'http://127.0.0.1/' } }\n";

    // yaml, line, column, a part of the message
    public static TheoryData<string, int, int, string> Wrong => new()
    {
        { "", 1, 1, "empty" },
        { "# only a comment", 1, 1, "empty" },
        { "[1, 2]", 1, 1, "group of keys" },
        { "verson: 1", 1, 1, "Did you mean 'version'?" },
        { "zzzzzzzzzzzz: 1", 1, 1, "Allowed: version" },
        { "version: 2", 1, 10, "the number 1" },
        { "version: [1]", 1, 10, "found a list of 1" },
        { "services:\n  shop:\n    timeout_sm: 5", 3, 5, "Did you mean 'timeout_ms'?" },
        { "services:\n  shop:\n    max-concurrent: 5", 3, 5, "Did you mean 'max_concurrent'?" },
        { "services:\n  shop:\n    max_concurrent: many", 3, 21, "whole number from 1 to 10,000; found many" },
        { "services:\n  shop:\n    max_concurrent: 0", 3, 21, "found 0" },
        { "services:\n  shop:\n    max_concurrent:", 3, 20, "found nothing" },
        { "services:\n  shop:\n    timeout_ms: 5 parsecs", 3, 17, "a bare number is milliseconds" },
        { "services:\n  shop:\n    timeout: 0", 3, 14, "from 1ms to 1h" },
        { "services:\n  shop:\n    timeout: 1s\n    timeout_ms: 1000", 4, 5, "says the same as 'timeout' in line 3" },
        { "services:\n  shop:\n    url: ftp://x/", 3, 10, "with http or https" },
        { "services:\n  shop:\n    url: http://me:pw@x/", 3, 10, "without user" },
        { "services:\n  shop:\n    url: nowhere", 3, 10, "full address" },
        { "services:\n  shop:\n    repeatable: yes", 3, 17, "true or false; found yes" },
        { "services:\n  shop:\n    importance: hgih", 3, 17, "Did you mean 'high'?" },
        { "services:\n  shop:\n    method: GET", 3, 13, "POST, PUT, PATCH" },
        { "services:\n  shop:\n    success_statuses: [200, 99]", 3, 29, "from 100 to 599" },
        { "services:\n  shop:\n    headers: { Host: x }", 3, 16, "set by the relay itself" },
        { "services:\n  shop:\n    allow_headers: [Cookie]", 3, 21, "never goes on" },
        { "services:\n  shop:\n    rate_limit: 5", 3, 5, "not supported yet in this release" },
        { "services:\n  Shop: {}", 2, 3, "is no name for a service" },
        { "services: [a]", 1, 11, "a group of names" },
        { "services:\n  shop: 5", 2, 9, "is a group of keys" },
        { "alerts: []", 1, 1, "not supported yet" },
        { "listen: http://relay.example:80", 1, 9, "in digits" },
        { "listen: https://127.0.0.1", 1, 9, "needs tls" },
        { "listen: 8080", 1, 9, "no address to listen on" },
        { "store: oracle", 1, 8, "sqlite:PATH" },
        { S + "queues:\n  q: { deliver_to: t }", 3, 20, "Did you mean 's'?" },
        { S + "queues:\n  q: {}", 3, 3, "no usable deliver_to" },
        { S + "queues:\n  q: { deliver_to: [] }", 3, 20, "empty list" },
        { S + "queues:\n  q: { deliver_to: [s, s] }", 3, 24, "twice" },
        { "services: { s: {} }\nqueues: { q: { deliver_to: s } }", 2, 28, "no usable url" },
        { S + "queues:\n  q: { deliver_to: s, on_dead: skip }", 3, 32, "ordered: true" },
        { S + "queues:\n  q: { deliver_to: s, retry: { max_attempts: 3, max_retries: 2 } }", 3, 49, "says the same" },
        { S + "queues:\n  q: { deliver_to: s, retry: { max_delay: 1s, initial_delay: 2s } }", 3, 43, "shorter than the first" },
        { "dead_letter_queue: { retention_days: 0 }", 1, 38, "a bare number is days" },
        { "dead_letter_queue: { max_size: -1 }", 1, 32, "found -1" },
        { "limits: { max_body: 1 furlong }", 1, 21, "such as 512KiB" },
        { "version: 1\nversion: 1", 2, 1, "twice; the first is in line 1" },
        { "version: 1\n---\nversion: 1", 2, 1, "second document" },
        { "services: {", 1, 12, "not valid YAML" },
        { "a: b: c", 1, 5, "not valid YAML" },
        { "version: 1\nservices:\n\ta: 1", 3, 1, "tab" },
        { "version: !mine 1", 1, 10, "tag" },
        { "version: *one", 1, 10, "No anchor &one" },
        { "? [a]\n: 1", 1, 3, "A key must be plain text" },
        { "services:\n  a: { <<: {} }", 2, 8, "Merge keys" },
        { "store: sqlite:${NOT_SET_HERE}.db", 1, 8, "NOT_SET_HERE is not set" },
        { "store: sqlite:${OPEN", 1, 8, "no closing }" },
        { "store: sqlite:${file:/no/such/file}", 1, 8, "cannot be read" },
        { "include: nowhere.yaml", 1, 10, "does not exist" },
        { "history: no", 1, 10, "Did you mean 'off'?" },
        { "history: yes", 1, 10, "Did you mean 'on'?" },
        { "insecure: off", 1, 11, "Did you mean 'false'?" },
        { "redact: { json: [a.b, 'c[0]'] }", 1, 23, "has brackets" },
        { $"redact: {{ json: [{string.Join(", ", Enumerable.Range(0, 257).Select(i => $"a{i}"))}] }}", 1, 17, "257 entries; it may" },
        { "services: { s: { sign: { secret: [1, 2, 3, 4, 5, 6, 7, 8, 9] } } }", 1, 34, "has 9 entries; it may have 8" },
        { "services: { s: { tls: {} } }", 1, 23, "needs ca_file, certificate, or both" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void Every_error_says_where_it_is_and_what_is_allowed(string yaml, int line, int column, string part)
    {
        var loaded = RelayConfiguration.Parse(yaml, "recourse.yaml", _ => null);
        Assert.Null(loaded.Configuration);
        Assert.True(loaded.Errors.Any(error => error.Line == line && error.Column == column
            && error.Message.Contains(part, StringComparison.Ordinal)),
            $"wanted {line}:{column} …{part}…; found:\n{string.Join('\n', loaded.Errors)}");
    }

    [Fact]
    public void All_errors_of_a_file_are_found_at_once_and_in_order()
    {
        var errors = RelayConfiguration.Parse("verson: 1\nservices:\n  a: { timeout: never }\n  b: { url: x }\nqueues:\n  q: { deliver_to: "
            + "c }\n").Errors;
        Assert.Equal([1, 3, 4, 6], errors.Select(error => error.Line));
    }

    [Fact]
    public void A_value_that_cannot_be_read_is_one_error_and_what_follows_from_errors_is_not_warned_of()
    {
        var result = RelayConfiguration.Parse("services:\n  a: { url: '${NOT_SET_HERE}', timeoutt: 1 }", environment: _ => null);
        Assert.Equal([(2, 13), (2, 32)], result.Errors.Select(error => (error.Line, error.Column)));
        Assert.Empty(result.Warnings);
        Assert.Single(RelayConfiguration.Parse("version: 1").Warnings);
    }

    [Theory]
    [InlineData("services: { s: { auth: tok-s3cret } }")]
    [InlineData("services: { s: { auth: { bearer: '' } } }")]
    [InlineData("services: { s: { auth: { bearer: [tok-s3cret] } } }")]
    [InlineData("services: { s: { auth: { bearer: \"${NOT_SET}\" } } }")]
    [InlineData("services: { s: { sign: tok-s3cret } }")]
    [InlineData("services: { s: { sign: { secret: [tok-s3cret-tok-s3cret, tok-s3cret-tok-s3cret] } } }")]
    [InlineData("services: { s: { url: 'http://me:tok-s3cret@x/' } }\nqueues: { q: { deliver_to: s } }")]
    [InlineData("telemetry: { otlp: 'http://me:tok-s3cret@x/' }")]
    [InlineData("telemetry: { otlp: x }")]
    [InlineData("services: { s: { url: 'http://127.0.0.1/' } }\nqueues: { q: { deliver_to: {} } }")]
    public void A_wrong_value_is_one_error_and_shows_no_secret(string yaml)
    {
        var error = Assert.Single(RelayConfiguration.Parse(yaml, "recourse.yaml", _ => null).Errors);
        Assert.DoesNotContain("s3cret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Telemetry_that_sends_nothing_is_warned_of() => Assert.Contains(
        RelayConfiguration.Parse("telemetry: { otlp: 'http://127.0.0.1/', traces: false, metrics: false }").Warnings,
        warning => warning.Message.Contains("sends nothing", StringComparison.Ordinal));

    [Fact]
    public void A_bomb_of_aliases_is_refused_quickly()
    {
        var yaml = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 12; i++)
            yaml.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 9))}]\n");
        var error = Assert.Single(RelayConfiguration.Parse(yaml.ToString()).Errors);
        Assert.Contains("aliases", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    public void Deep_nesting_is_refused(string open) =>
        Assert.Contains("deep",
            Assert.Single(RelayConfiguration.Parse("a: " + string.Concat(Enumerable.Repeat(open, 5_000))).Errors).Message,
            StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_missing_too_large_or_no_text_is_a_located_error()
    {
        using var folder = new Folder();
        Assert.Contains("does not exist", Assert.Single(RelayConfiguration.Load(folder.Path("none.yaml")).Errors).Message,
            StringComparison.Ordinal);
        Assert.Contains("is a folder", Assert.Single(RelayConfiguration.Load(folder.Path("")).Errors).Message, StringComparison.Ordinal);
        var large = folder.Write("large.yaml", "# " + new string('x', 1 << 20));
        Assert.Contains("bytes", Assert.Single(RelayConfiguration.Load(large).Errors).Message, StringComparison.Ordinal);
        var binary = folder.Path("binary.yaml");
        File.WriteAllBytes(binary, [0x61, 0xff, 0xfe]);
        Assert.Contains("UTF-8", Assert.Single(RelayConfiguration.Load(binary).Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_a_file_holds_loading_never_throws_and_every_error_has_a_place()
    {
        const int seed = 20260101;
        var random = new Random(seed);
        const string letters = "abz:-[]{}#&*!|>'\"%@`,?\n\t 0159.$_<~\\\0\u00e9\ud83d";
        for (var round = 0; round < 3_000; round++)
        {
            var text = new StringBuilder(TestRelay.Basic);
            for (var change = random.Next(1, 6); change > 0; change--)
            {
                var at = random.Next(text.Length);
                switch (random.Next(3))
                {
                    case 0: text[at] = letters[random.Next(letters.Length)]; break;
                    case 1: text.Insert(at, letters[random.Next(letters.Length)]); break;
                    default: text.Remove(at, Math.Min(random.Next(1, 8), text.Length - at)); break;
                }
            }
            var loaded = RelayConfiguration.Parse(text.ToString());
            Assert.True(loaded.Configuration is null == loaded.Errors.Count > 0, $"seed {seed}, round {round}");
            Assert.All(loaded.Errors, error =>
                Assert.True(error is { Line: >= 1, Column: >= 1, Message.Length: > 10 }, $"seed {seed}, round {round}: {error}\n{text}"));
        }
    }

    [Theory]
    [InlineData("colour", "color", 1)]
    [InlineData("retires", "retries", 1)]
    [InlineData("Max-Body", "max_body", 0)]
    [InlineData("", "abc", 3)]
    public void Distances_between_words_are_counted_in_letters(string left, string right, int distance) =>
        Assert.Equal(distance, Spelling.Distance(left, right));
}
