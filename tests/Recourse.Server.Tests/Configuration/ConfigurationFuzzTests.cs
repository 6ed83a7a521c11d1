using System.Text;

namespace Recourse.Server.Tests.Configuration;

/// <summary>
/// Right configurations with mistakes drawn from a seed: whatever the text, loading answers with a configuration or with located errors,
/// and never throws. RECOURSE_SEED repeats one text.
/// </summary>
public class ConfigurationFuzzTests(ITestOutputHelper output)
{
    private static readonly int Texts = Environment.GetEnvironmentVariable("RECOURSE_LONG") == "1" ? 200_000 : 3_000;

    private static readonly string[] Seeds =
    [
        TestRelay.Basic,
        """
        version: 1
        listen: http://127.0.0.1:8080
        store: sqlite:recourse.db
        services:
          fhir-server:
            url: http://127.0.0.1:9001/fhir
            failure_threshold: 3
            success_threshold: 2
            timeout_ms: 5000
            reset_timeout_ms: 30000
            max_concurrent: 10
            headers: { x-tenant: "north", x-key: "${FUZZ_NOT_SET}" }
            success_statuses: [200, 202]
        queues:
          incoming-orders:
            deliver_to: fhir-server
            ordered: false
            retry: { max_attempts: 8, max_age: 24h, backoff: exponential, initial_delay_ms: 200, max_delay_ms: 30000, jitter: full }
          lanes: { deliver_to: [fhir-server], ordered: true, on_dead: block }
        dead_letter_queue: { enabled: true, max_retries: 3, retry_delay: 300, max_size: 10000, retention_days: 30 }
        limits: { max_body: 512KiB }
        """,
    ];

    private static readonly string[] Rubbish =
    [
        ":", "- ", "{", "}", "[", "]", "\"", "'", "&a ", "*a", "!!int ", "!x ", "|\n", ">\n", "#", "\t", "\0", "\u2028", "\uD83D\uDE00",
            "%YAML 1.2\n", "---\n",
        "...\n", "? ", "<<: ", "${", "${file:/dev/null}", "include: [recourse.yaml]\n", "99999999999999999999", "-1", "1e999", "0x10",
            ".nan", "~", "null", "true",
        "24h", "5 parsecs", "\r", "  ", "\n", "é", "version", "services", "queues",
    ];

    [Fact]
    public void No_text_is_too_odd_for_a_located_error()
    {
        var given = int.TryParse(Environment.GetEnvironmentVariable("RECOURSE_SEED"), out var seed);
        if (!given)
            seed = Random.Shared.Next(1 << 30);
        output.WriteLine($"first seed {seed}");
        var right = 0;
        for (var i = 0; i < (given ? 1 : Texts); i++)
        {
            var text = Mutated(new Random(seed + i));
            try
            {
                var loaded = RelayConfiguration.Parse(text);
                right += loaded.Configuration is null ? 0 : 1;
                Assert.Equal(loaded.Configuration is null, loaded.Errors.Count > 0);
                Assert.All(loaded.Errors.Concat(loaded.Warnings), error =>
                {
                    Assert.True(error.Line >= 1 && error.Column >= 1, error.ToString());
                    Assert.NotEmpty(error.Message);
                });
            }
            catch (Exception error) when (error is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"RECOURSE_SEED={seed + i}: {error}\n{text}");
            }
        }
        output.WriteLine($"{right} of the texts are right all the same");
    }

    private static string Mutated(Random random)
    {
        var text = new StringBuilder(Seeds[random.Next(Seeds.Length)]);
        for (var mistakes = random.Next(1, 7); mistakes > 0; mistakes--)
        {
            var at = random.Next(text.Length);
            switch (random.Next(5))
            {
                case 0:
                    text.Remove(at, Math.Min(random.Next(1, 30), text.Length - at));
                    break;
                case 1:
                    text.Insert(at, Rubbish[random.Next(Rubbish.Length)]);
                    break;
                case 2:
                    text[at] = (char)random.Next(1, 300);
                    break;
                case 3:
                    text.Insert(at, text.ToString(at, Math.Min(random.Next(1, 80), text.Length - at)));
                    break;
                default:
                    var (from, to) = (text.ToString().LastIndexOf('\n', at) + 1, text.ToString().IndexOf('\n', at));
                    text.Insert(from, new string(' ', random.Next(1, 5))).Insert(Math.Max(to, 0), "\n");
                    break;
            }
            if (text.Length == 0)
                text.Append(' ');
        }
        return text.ToString();
    }
}
