using Recourse.Durable;
namespace Recourse.Server.Tests.Configuration;

public class ConfigurationTests
{
    private const string Example = """
        version: 1
        listen: http://127.0.0.1:8080
        store: sqlite:recourse.db                 # or postgres://user:${PGPASSWORD}@host:port/database
        services:
          fhir-server:
            url: http://127.0.0.1:9001/fhir       # messages are POSTed here
            failure_threshold: 3                  # breaker, as in the seeds
            success_threshold: 2
            timeout_ms: 5000
            reset_timeout_ms: 30000
            max_concurrent: 10
        queues:
          incoming-orders:
            deliver_to: fhir-server               # or a list: one delivery each
            ordered: false                        # true: a lane per Recourse-Key
            retry: { max_attempts: 8, max_age: 24h, backoff: exponential, initial_delay_ms: 200, max_delay_ms: 30000, jitter: full }
        dead_letter_queue: { enabled: true, max_retries: 3, retry_delay: 300, max_size: 10000, retention_days: 30 }
        """;

    private const string BreakerSeed = """
        # circuit-breaker-config.yaml
        services:
          fhir-server:
            failure_threshold: 3
            success_threshold: 2
            timeout_ms: 5000
            reset_timeout_ms: 30000
        """;

    private const string DeadLetterSeed = """
        # dlq-config.yaml
        dead_letter_queue:
          enabled: true
          max_retries: 3
          retry_delay: 300  # seconds
          max_size: 10000
          retention_days: 30
        """;

    [Fact]
    public void The_example_of_the_design_loads_as_it_is_written()
    {
        var configuration = Good(Example);
        var service = configuration.Services["fhir-server"];
        Assert.Equal(new("http://127.0.0.1:9001/fhir"), service.Url);
        Assert.Equal((3, 2, 10), (service.Policy.FailureThreshold, service.Policy.SuccessThreshold, service.Policy.MaxConcurrent));
        Assert.Equal((TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30)), (service.Policy.Timeout, service.Policy.ResetTimeout));
        var queue = configuration.Queues["incoming-orders"];
        Assert.Equal(["fhir-server"], queue.DeliverTo);
        Assert.Equal((8, TimeSpan.FromHours(24)), (queue.Policy.MaxAttempts, queue.Policy.MaxAge));
        Assert.Equal(new()
        {
            Shape = "exponential",
            Initial = TimeSpan.FromMilliseconds(200),
            Max = TimeSpan.FromSeconds(30),
            Jitter = "full"
        }, queue.Policy.Backoff);
        Assert.Equal(new()
        {
            Enabled = true,
            MaxRetries = 3,
            RetryDelay = TimeSpan.FromSeconds(300),
            MaxSize = 10_000,
            Retention = TimeSpan.FromDays(30),
        }, configuration.DeadLetterQueue);
        Assert.True(Path.IsPathFullyQualified(configuration.Store["sqlite:".Length..]));
    }

    [Theory]
    [InlineData(BreakerSeed)]
    [InlineData(DeadLetterSeed)]
    public void The_files_of_the_seeds_load_alone(string yaml) => Good(yaml);

    [Fact]
    public void Included_files_count_and_what_the_file_says_itself_wins()
    {
        using var folder = new Folder();
        folder.Write("seeds/circuit-breaker-config.yaml", BreakerSeed);
        folder.Write("seeds/dlq-config.yaml", DeadLetterSeed);
        var file = folder.Write("recourse.yaml", """
            include: [seeds/circuit-breaker-config.yaml, seeds/dlq-config.yaml]
            services: { fhir-server: { url: "http://127.0.0.1:1/", timeout_ms: 7000 } }
            queues: { orders: { deliver_to: fhir-server } }
            """);
        var loaded = RelayConfiguration.Load(file);
        Assert.Empty(loaded.Errors);
        var policy = loaded.Configuration!.Services["fhir-server"].Policy;
        Assert.Equal((3, TimeSpan.FromSeconds(7)), (policy.FailureThreshold, policy.Timeout));
        Assert.Equal(3, loaded.Configuration.DeadLetterQueue.MaxRetries);
        Assert.Equal(3, loaded.Files.Count);
    }

    [Fact]
    public void Errors_in_an_included_file_name_that_file()
    {
        using var folder = new Folder();
        folder.Write("more.yaml", "services:\n  shop: { max_concurent: 3 }\n");
        var file = folder.Write("recourse.yaml", "include: more.yaml\n");
        var error = Assert.Single(RelayConfiguration.Load(file).Errors);
        Assert.Equal((folder.Path("more.yaml"), 2, 11), (error.File, error.Line, error.Column));
    }

    [Fact]
    public void A_file_that_includes_itself_is_an_error_in_its_place()
    {
        using var folder = new Folder();
        var error = Assert.Single(RelayConfiguration.Load(folder.Write("recourse.yaml", "version: 1\ninclude: recourse.yaml\n")).Errors);
        Assert.Equal((2, 10), (error.Line, error.Column));
    }

    [Fact]
    public void Values_come_from_the_environment_and_from_files()
    {
        using var folder = new Folder();
        folder.Write("secrets/token", "s3cret\n");
        var file = folder.Write("recourse.yaml", """
            services:
              shop:
                url: http://127.0.0.1:${PORT}/x
                headers: { Authorization: "Bearer ${file:secrets/token}", X-Price: "$${PORT}" }
            """);
        var shop = RelayConfiguration.Load(file, name => name == "PORT" ? "9001" : null).Configuration!.Services["shop"];
        Assert.Equal(9001, shop.Url!.Port);
        Assert.Equal("Bearer s3cret", shop.Headers["authorization"]);
        Assert.Equal("${PORT}", shop.Headers["x-price"]);
    }

    [Fact]
    public void A_secret_is_never_shown_in_an_error()
    {
        var error = Assert.Single(RelayConfiguration.Parse("services: { shop: { url: \"${SECRET}\" } }", "recourse.yaml", _ =>
            "hunter2").Errors);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
        Assert.Contains("${SECRET}", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("200ms", 200)]
    [InlineData("30s", 30_000)]
    [InlineData("5m", 300_000)]
    [InlineData("24h", 86_400_000)]
    [InlineData("7d", 604_800_000)]
    [InlineData("1.5s", 1_500)]
    [InlineData("45", 45_000)]
    public void Durations_are_read_in_every_unit_and_plain_numbers_are_seconds(string text, double milliseconds)
    {
        var configuration =
            Good($"services: {{ s: {{ url: 'http://127.0.0.1/' }} }}\nqueues: {{ q: {{ deliver_to: s, idempotency_window: {text} }} }}",
            ok: text != "200ms");
        if (text != "200ms")
            Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), configuration.Queues["q"].IdempotencyWindow);
    }

    [Fact]
    public void Max_retries_are_the_attempts_after_the_first()
    {
        var queue = "services: { s: { url: 'http://127.0.0.1/' } }\nqueues: { q: { deliver_to: s, retry: { max_retries: 3 } } }";
        Assert.Equal(4, Good(queue).Queues["q"].Policy.MaxAttempts);
    }

    [Fact]
    public void Dead_letters_that_are_switched_off_are_switched_off_for_every_queue() =>
        Assert.False(Good("services: { s: { url: 'http://127.0.0.1/' } }\nqueues: { q: { deliver_to: s } }\ndead_letter_queue: { enabled: "
            + "false }")
            .Queues["q"].Policy.DeadLettersEnabled);

    [Fact]
    public void Anchors_and_aliases_work()
    {
        var configuration = Good("services:\n  a: &usual { url: 'http://127.0.0.1/', max_concurrent: 3 }\n  b: *usual\n");
        Assert.Equal(3, configuration.Services["b"].Policy.MaxConcurrent);
    }

    [Fact]
    public void History_and_durability_are_on_and_full_unless_the_file_says_otherwise()
    {
        const string Rest = "services: { a: { url: 'http://127.0.0.1/' } }\nqueues: { own: { deliver_to: a, history: on }, all: { deliver_to: a } }\n";
        var without = Good(Rest);
        Assert.Equal((StoreDurability.Full, true), (without.Durability, without.Queues["all"].Policy.KeepHistory));
        var with = Good("history: off\ndurability: os\n" + Rest);
        Assert.Equal((StoreDurability.Os, true, false),
            (with.Durability, with.Queues["own"].Policy.KeepHistory, with.Queues["all"].Policy.KeepHistory));
        Assert.Contains("synchronous_commit", Assert.Single(RelayConfiguration.Parse("store: postgres://u@h/d\ndurability: os\n" + Rest).Errors).ToString());
    }

    [Fact]
    public void The_schema_in_the_documents_is_the_one_of_the_table()
    {
        var file = Repository.Find("docs/reference/recourse.schema.json");
        if (Environment.GetEnvironmentVariable("RECOURSE_WRITE") is not null)
            File.WriteAllText(file, JsonSchema.Text());
        Assert.Equal(File.ReadAllText(file), JsonSchema.Text());
    }

    [Fact]
    public void The_page_on_the_configuration_names_every_key()
    {
        var page = File.ReadAllText(Repository.Find("docs/reference/configuration.md"));
        Assert.DoesNotContain(Keys(ConfigurationKeys.Root), key => !page.Contains($"`{key}`", StringComparison.Ordinal));
    }

    private static IEnumerable<string> Keys(KeyGroup group) => group.Keys.Where(key => key.Kind is not KeyKind.Later)
        .SelectMany(key => key.Group is { } inner ? Keys(inner).Prepend(key.Name) : [key.Name]);

    private static RelayConfiguration Good(string yaml, bool ok = true)
    {
        var loaded = RelayConfiguration.Parse(yaml);
        if (ok)
            Assert.Empty(loaded.Errors);
        else
            Assert.NotEmpty(loaded.Errors);
        return loaded.Configuration!;
    }
}
