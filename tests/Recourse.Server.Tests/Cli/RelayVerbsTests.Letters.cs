using System.Text.Json;
using Recourse.Cli;
using Recourse.Tests;

namespace Recourse.Server.Tests.Cli;

/// <summary>What people do with one dead letter, and with many.</summary>
public sealed partial class RelayVerbsTests
{
    [Fact]
    public async Task A_letter_is_taken_in_hand_noted_mended_and_sent_on()
    {
        var letter = await LetterAsync("{\"n\":1}");
        await TextAsync("dlq", "take", letter, "--minutes", "5");
        await TextAsync("dlq", "note", letter, "--assign", "anna", "--text", "asked billing", "--manual", "true");
        var noted = (await TextAsync("dlq", "show", letter)).Out;
        Assert.Contains("anna", noted);
        Assert.Contains("asked billing", noted);
        var hers = await TextAsync("dlq", "list", "--assignee", "anna", "--all", "--json");
        Assert.Single(hers.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty((await TextAsync("dlq", "list", "--assignee", "nobody", "--all", "--json")).Out);

        await System.IO.File.WriteAllTextAsync(File("body.json"), "{\"n\":2}", Token);
        Assert.Contains("Edited.", (await TextAsync("dlq", "edit", letter, "--file", File("body.json"))).Error);
        Assert.Contains("nothing was changed", (await TextAsync("dlq", "edit", letter, "--file", File("body.json"))).Error);
        var diff = (await TextAsync("dlq", "diff", letter)).Out;
        Assert.Contains("-  \"n\": 1", diff);
        Assert.Contains("+  \"n\": 2", diff);
        Assert.Equal("{\"n\":2}", (await TextAsync("dlq", "show", letter, "--payload")).Out);

        await TextAsync("dlq", "release", letter);
        _mended = true;
        Assert.Equal("1 replayed.\n", (await TextAsync("dlq", "replay", letter)).Out);
        await DeliveredAsync(1);
    }

    [Fact]
    public async Task A_letter_is_resolved_with_a_reason_and_stays_to_be_looked_up()
    {
        var letter = await LetterAsync("{\"n\":1}");
        Assert.NotEqual(0, (await CliProcess.RunAsync(["dlq", "resolve", letter, "--server", $"{_relay.Address}"])).ExitCode);
        await TextAsync("dlq", "resolve", letter, "--reason", "paid by hand");
        var shown = await TextAsync("dlq", "show", letter);
        Assert.Contains("paid by hand", shown.Out);
        Assert.Contains("It is resolved", shown.Error);
        await TextAsync(ExitCode.Conflict, "dlq", "replay", letter);
    }

    [Fact]
    public async Task Letters_are_grouped_summed_up_and_exported()
    {
        foreach (var n in "123") await RunAsync($"{n}", "send", "orders", "--json");
        await DeadAsync(3);
        var groups = await RunAsync("", "dlq", "groups", "--json");
        var group = Assert.Single(groups.RootElement.GetProperty("items").EnumerateArray().ToArray());
        Assert.Equal(3, group.GetProperty("dead").GetInt32());
        var id = group.GetProperty("id").GetString()!;
        Assert.Contains(id, (await TextAsync("dlq", "groups", "--service", "billing")).Out);
        Assert.Equal("Nothing is dead that matches.\n", (await TextAsync("dlq", "groups", "--kind", "conflict")).Error);

        var stats = (await TextAsync("dlq", "stats")).Out;
        Assert.StartsWith("3 dead, the oldest died ", stats, StringComparison.Ordinal);
        Assert.Contains("within 1h", stats);
        Assert.Equal(3, (await RunAsync("", "dlq", "stats", "--json")).RootElement.GetProperty("dead").GetInt32());

        await TextAsync("dlq", "export", "--group", id, "--output", File("dead.ndjson"));
        var lines = (await System.IO.File.ReadAllLinesAsync(File("dead.ndjson"), Token)).Where(line => line.Length > 0).ToArray();
        Assert.Equal(3, lines.Length);
        Assert.All(lines, line => JsonDocument.Parse(line));
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File("dead.ndjson")));
    }

    private async Task<string> LetterAsync(string body)
    {
        await RunAsync(body, "send", "orders", "--json");
        await DeadAsync(1);
        var list = await RunAsync("", "dlq", "list", "--json");
        return Assert.Single(list.RootElement.GetProperty("items").EnumerateArray().ToArray()).GetProperty("id").GetString()!;
    }

    private Task DeliveredAsync(long count) => Eventually.HoldsAsync($"{count} delivered", TimeSpan.FromSeconds(30), async _ =>
        (await RunAsync("", "queues", "orders", "--json")).RootElement.GetProperty("delivered").GetInt64() == count);
}
