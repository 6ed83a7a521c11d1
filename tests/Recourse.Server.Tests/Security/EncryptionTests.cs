using System.Text;
using Recourse.Cli;
using Recourse.Durable;
using Recourse.Server.Api;
using Recourse.Server.Tests.Cli;
using Recourse.Server.Tests.Configuration;
using Recourse.Sqlite;

namespace Recourse.Server.Tests;

/// <summary>Payloads sealed at rest, through a whole relay and the command line.</summary>
public sealed class EncryptionTests
{
    private const string One = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    private const string Two = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    private static string Yaml(string encryption) => TestRelay.Basic.Replace("\"memory:\"", "sqlite:relay.db", StringComparison.Ordinal)
        + "\n" + encryption;

    private static Task<TestRelay> StartAsync(Folder folder, string encryption, DeliveryHandler handler)
    {
        var loaded = RelayConfiguration.Load(folder.Write("recourse.yaml", Yaml(encryption)));
        Assert.Empty(loaded.Errors);
        return TestRelay.StartAsync(loaded.Configuration!, handler, new SqliteMessageStore(folder.Path("relay.db")));
    }

    [Fact]
    public async Task A_letter_is_sealed_on_the_disk_shown_whole_rekeyed_and_replayed()
    {
        using var folder = new Folder();
        const string Old = "encryption: { keys: { k1: { key: \"" + One + "\" } } }";
        const string Both = "encryption: { active: k2, keys: { k1: { key: \"" + One + "\" }, k2: { key: \"" + Two + "\" } } }";
        const string New = "encryption: { keys: { k2: { key: \"" + Two + "\" } } }";
        string id;
        await using (var relay = await StartAsync(folder, Old, TestRelay.Refuses))
        {
            await relay.AcceptedAsync("orders", """{"name":"Meier-Landrut"}""");
            id = (await relay.UntilAsync("/v1/dead-letters", list =>
                list["items"]!.AsArray().Count == 1))["items"]![0]!["id"]!.GetValue<string>();
            Assert.Contains("Meier-Landrut", (await relay.GetAsync($"/v1/dead-letters/{id}/payload")).ToJsonString(),
                StringComparison.Ordinal);
        }
        foreach (var file in Directory.GetFiles(Path.GetDirectoryName(folder.Path("relay.db"))!, "relay.db*"))
            Assert.DoesNotContain("Meier-Landrut", Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file,
                TestContext.Current.CancellationToken)), StringComparison.Ordinal);

        var refused = await Assert.ThrowsAsync<StoreException>(() => StartAsync(folder, "", TestRelay.Refuses));
        Assert.Contains("'k1', which is not given", refused.Message, StringComparison.Ordinal);

        folder.Write("recourse.yaml", Yaml(Both));
        var rekeyed = await CliProcess.RunAsync("db", "rekey", "--config", folder.Path("recourse.yaml"));
        Assert.True(rekeyed.ExitCode == ExitCode.Ok, rekeyed.Error);
        Assert.Contains("1 payload was sealed with 'k2'", rekeyed.Out, StringComparison.Ordinal);

        var delivered = new TaskCompletionSource<string>();
        await using var again = await StartAsync(folder, New, (delivery, token) =>
        {
            delivered.TrySetResult(Encoding.UTF8.GetString(delivery.Body.Span));
            return TestRelay.Delivers(delivery, token);
        });
        using var replayed = await again.SendAsync(HttpMethod.Post, $"/v1/dead-letters/{id}:replay");
        Assert.Equal(200, (int)replayed.StatusCode);
        Assert.Equal("""{"name":"Meier-Landrut"}""", await delivered.Task.WaitAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Nothing_that_was_stored_open_is_left_in_the_file_after_a_rekey()
    {
        using var folder = new Folder();
        await using (var relay = await StartAsync(folder, "", TestRelay.Refuses))
        {
            await relay.AcceptedAsync("orders", """{"name":"Meier-Landrut"}""");
            await relay.UntilAsync("/v1/dead-letters", list => list["items"]!.AsArray().Count == 1);
        }
        Assert.NotEmpty(Holding("Meier-Landrut")); // Else the rest would prove nothing.

        folder.Write("recourse.yaml", Yaml("encryption: { keys: { k1: { key: \"" + One + "\" } } }"));
        var rekeyed = await CliProcess.RunAsync("db", "rekey", "--config", folder.Path("recourse.yaml"));
        Assert.True(rekeyed.ExitCode == ExitCode.Ok, rekeyed.Error);
        Assert.Contains("written anew", rekeyed.Out, StringComparison.Ordinal);
        Assert.Empty(Holding("Meier-Landrut"));
        Assert.True((await SqliteStoreFile.CheckAsync(folder.Path("relay.db"), TestContext.Current.CancellationToken)).Sound);

        List<string> Holding(string marker) =>
            [.. Directory.GetFiles(Path.GetDirectoryName(folder.Path("relay.db"))!, "relay.db*").Where(file =>
                File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.ASCII.GetBytes(marker)) >= 0)];
    }

    [Theory]
    [InlineData("application/vnd.recourse.sealed; key=x")]
    [InlineData("Application/Vnd.Recourse.Sealed")]
    public async Task A_sender_cannot_say_that_a_payload_is_sealed(string type)
    {
        await using var relay = await TestRelay.StartAsync(handler: TestRelay.Refuses);
        using var sent = await relay.SendAsync(HttpMethod.Post, "/v1/queues/orders/messages", "{}", type);
        Assert.Contains("sealed", (await TestRelay.ProblemAsync(sent, 400))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        await relay.AcceptedAsync("orders", "{}");
        var letter = (await relay.UntilAsync("/v1/dead-letters", list => list["items"]!.AsArray().Count == 1))["items"]![0]!;
        using var edited = await relay.SendAsync(
            HttpMethod.Put, $"/v1/dead-letters/{letter["id"]}/payload", "{}", type, ("If-Match", "*"));
        Assert.Contains("sealed", (await TestRelay.ProblemAsync(edited, 400))["detail"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_letter_that_cannot_be_opened_is_a_warning_in_its_line_and_stays_out_of_the_archive()
    {
        using var folder = new Folder();
        var token = TestContext.Current.CancellationToken;
        await using var inner = new InMemoryMessageStore();
        var mine = new EncryptedMessageStore(inner, [new("k1", new byte[32])]);
        var other = new EncryptedMessageStore(inner, [new("k2", new byte[32])]);
        foreach (var store in (MessageStore[])[mine, other])
        {
            await store.CommitAsync(new EnqueueCommand(new() { Queue = "orders", Services = ["shop"], Body = "{}"u8.ToArray() }), token);
            var claimed = Assert.Single((await store.CommitAsync(new ClaimCommand("shop", 1, "node"), token)).Deliveries);
            var fault = (await TestRelay.Refuses(claimed, token)).Fault!;
            await store.CommitAsync(new FailCommand(claimed.Id, claimed.Lease, new()
            {
                Number = 1,
                Generation = 0,
                StartedAt = claimed.ClaimedAt,
                Outcome = "failed",
                Applied = Applied.No,
            }, fault, new(DeliveryAction.DeadLetter, null, "permanent")), token);
        }
        var letters = (await mine.Queries.DeliveriesAsync(new() { State = DeliveryState.Dead }, token)).Items;
        var lines = new List<LetterLine>();
        foreach (var letter in letters)
            lines.Add(await LetterLine.ReadAsync(mine.Queries, letter, token));
        Assert.Contains("'k2', which is not given", Assert.Single(lines, line => line.Warning is not null).Warning!,
            StringComparison.Ordinal);
        Assert.Equal("{}"u8, Assert.Single(lines, line => line.Warning is null).BodyBase64!);
        var kept = await new LetterArchive(folder.Path("archive")).WriteAsync(mine.Queries, letters, DateTimeOffset.UnixEpoch, token);
        Assert.Equal(Assert.Single(lines, line => line.Warning is null).Id, Assert.Single(kept).Id.ToString());
    }

    [Fact]
    public void More_than_16_keys_are_refused()
    {
        var keys = string.Join(", ", Enumerable.Range(0, 17).Select(i =>
            $"k{i}: {{ key: {Convert.ToBase64String([(byte)i, .. new byte[31]])} }}"));
        Assert.Contains("has 17 entries; it may have 16 at most",
            Assert.Single(RelayConfiguration.Parse($"encryption: {{ keys: {{ {keys} }} }}").Errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("encryption: {}", "needs keys")]
    [InlineData("encryption: { keys: { a: {} } }", "32 bytes")]
    [InlineData("encryption: { keys: { a: { key: secretword } } }", "32 bytes")]
    [InlineData("encryption: { active: k1 }", "needs keys")]
    [InlineData("encryption: secretword", "a text, which is not shown")]
    [InlineData("encryption: { keys: secretword }", "a text, which is not shown")]
    [InlineData("encryption: { keys: { a: secretword } }", "a text, which is not shown")]
    [InlineData("encryption: { keys: { 'K 1': { key: \"" + One + "\" } } }", "'K 1' is no name for a key")]
    [InlineData("encryption: { keys: { a: { key: \"" + One + "\" }, b: { key: \"" + One + "\" } } }", "'a' and 'b' are the same 32 bytes")]
    [InlineData("encryption: { active: b, keys: { a: { key: \"" + One + "\" } } }", "none of the keys: a")]
    public void What_is_no_key_is_refused_and_not_shown(string yaml, string says)
    {
        var error = Assert.Single(RelayConfiguration.Parse(yaml).Errors);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secretword", error.Message, StringComparison.Ordinal);
    }
}
