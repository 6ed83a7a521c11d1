using System.Runtime.Versioning;
using System.Text.Json.Nodes;
using Recourse.Cli;
using Recourse.Durable;
using Recourse.Sqlite;

namespace Recourse.Server.Tests.Cli;

/// <summary>The verbs on the store's file, as processes.</summary>
public sealed class DbCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-db-");

    private string this[string name] => Path.Combine(_folder.FullName, name);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<SqliteMessageStore> OpenAsync()
    {
        var store = new SqliteMessageStore(this["recourse.db"]);
        await store.OpenAsync(Cancelled);
        return store;
    }

    private static Task<EnqueueResult> PutAsync(MessageStore store) => store.CommitAsync(
        new EnqueueCommand(new() { Queue = "orders", Services = ["shop"], Body = "{}"u8.ToArray() }), Cancelled).AsTask();

    [Fact]
    public async Task A_running_relay_makes_the_backup_of_the_file_that_it_owns()
    {
        await using var relay = await TestRelay.StartAsync(store: new SqliteMessageStore(this["recourse.db"]));
        var id = await relay.AcceptedAsync("orders");
        string[] line = ["db", "backup", this["copy.db"], "--store", this["recourse.db"], "--server", relay.Http.BaseAddress!.ToString(),
            "--json"];
        var run = await CliProcess.RunAsync(line);
        Assert.Equal((ExitCode.Ok, ""), (run.ExitCode, run.Error));
        Assert.Equal(this["copy.db"], JsonNode.Parse(run.Out)!["path"]!.GetValue<string>());
        await using (var copy = new SqliteMessageStore(this["copy.db"]))
        {
            await copy.OpenAsync(Cancelled);
            Assert.NotNull(await copy.Queries.MessageAsync(Guid.Parse(id), Cancelled));
        }
        var again = await CliProcess.RunAsync(line);
        Assert.Equal(ExitCode.Conflict, again.ExitCode);
        Assert.Contains("never overwrites", again.Error);
    }

    [Theory]
    [InlineData("{}", 400)]
    [InlineData("{\"path\":\"relative.db\"}", 400)]
    [InlineData("{\"path\":\"/no/such/folder/x.db\"}", 409)]
    [InlineData("nonsense", 400)]
    public async Task A_backup_to_no_place_is_refused_in_words(string body, int status)
    {
        await using var relay = await TestRelay.StartAsync(store: new SqliteMessageStore(this["recourse.db"]));
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/store:backup", body);
        await TestRelay.ProblemAsync(answer, status);
    }

    [Fact]
    public async Task A_store_without_backups_says_what_has_them()
    {
        await using var relay = await TestRelay.StartAsync();
        using var answer = await relay.SendAsync(HttpMethod.Post, "/v1/store:backup", "{\"path\":\"/tmp/recourse-none.db\"}");
        Assert.Contains("pg_dump", (await TestRelay.ProblemAsync(answer, 409))["detail"]!.GetValue<string>());
    }

    [Fact]
    public async Task Without_a_relay_backup_check_and_restore_work_on_the_file_and_the_restore_warns()
    {
        await using (var store = await OpenAsync())
            await PutAsync(store);
        Assert.Equal(ExitCode.Ok, (await CliProcess.RunAsync("db", "backup", this["copy.db"], "--store", this["recourse.db"])).ExitCode);
        var check = await CliProcess.RunAsync("db", "check", "--store", this["copy.db"]);
        Assert.Equal(ExitCode.Ok, check.ExitCode);
        Assert.Contains("is sound", check.Out);
        var refused = await CliProcess.RunAsync("db", "restore", this["copy.db"], "--to", this["recourse.db"]);
        Assert.Equal(ExitCode.Usage, refused.ExitCode);
        Assert.Contains("--force", refused.Error);
        var restored = await CliProcess.RunAsync("db", "restore", this["copy.db"], "--to", this["recourse.db"], "--force");
        Assert.Equal(ExitCode.Ok, restored.ExitCode);
        Assert.Contains("What was there is now", restored.Out);
        Assert.Contains("once more, with the same Idempotency-Keys", restored.Error);
        Assert.Single(_folder.GetFiles("*.replaced-*Z"));
        var migrate = await CliProcess.RunAsync("db", "migrate", "--store", this["recourse.db"]);
        Assert.Contains("nothing to do", migrate.Out);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_store_with_its_log_and_its_copies_is_its_owners_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Files have no mode there.");
        await using var store = await OpenAsync();
        await PutAsync(store);
        await store.BackupAsync(this["copy.db"], Cancelled);
        foreach (var name in (string[])["recourse.db", "recourse.db-wal", "recourse.db-shm", "copy.db"])
            Assert.Equal((name, UnixFileMode.UserRead | UnixFileMode.UserWrite), (name, File.GetUnixFileMode(this[name])));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_store_that_others_may_read_keeps_its_mode()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Files have no mode there.");
        const UnixFileMode Shared = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        await File.WriteAllBytesAsync(this["recourse.db"], [], Cancelled);
        File.SetUnixFileMode(this["recourse.db"], Shared);
        await using var store = await OpenAsync();
        Assert.Equal((Shared, Shared), (File.GetUnixFileMode(this["recourse.db"]), File.GetUnixFileMode(this["recourse.db-wal"])));
    }

    [Fact]
    public async Task A_check_names_the_keys_that_payloads_are_sealed_with()
    {
        PayloadKey[] keys = [new("k2", new byte[32]), new("k1", Enumerable.Repeat((byte)1, 32).ToArray())];
        foreach (var active in keys)
        {
            await using var store = new EncryptedMessageStore(
                new SqliteMessageStore(this["recourse.db"]), [active, .. keys.Where(key => key != active)]);
            await store.OpenAsync(Cancelled);
            await PutAsync(store);
        }
        var check = await CliProcess.RunAsync("db", "check", "--store", this["recourse.db"]);
        Assert.Equal(ExitCode.Ok, check.ExitCode);
        Assert.Contains("Its payloads are sealed with 'k1', 'k2'", check.Out);
        var json = JsonNode.Parse((await CliProcess.RunAsync("db", "check", "--store", this["recourse.db"], "--json")).Out)!;
        Assert.Equal("[\"k1\",\"k2\"]", json["payload_keys"]!.ToJsonString());
    }

    [Fact]
    public async Task A_check_of_a_file_that_contradicts_itself_ends_with_1_and_says_where()
    {
        await using (var store = await OpenAsync())
            await PutAsync(store);
        var bytes = await File.ReadAllBytesAsync(this["recourse.db"], Cancelled);
        Array.Fill<byte>(bytes, 0xA5, 4096 * 3, 4096 * 4);
        await File.WriteAllBytesAsync(this["recourse.db"], bytes, Cancelled);
        var check = await CliProcess.RunAsync("db", "check", "--store", this["recourse.db"], "--json");
        Assert.Equal(ExitCode.Failed, check.ExitCode);
        Assert.NotEmpty(JsonNode.Parse(check.Out)!["damage"]!.AsArray());
    }

    [Fact]
    public async Task A_store_in_use_is_neither_restored_nor_migrated()
    {
        await using var store = await OpenAsync();
        await store.BackupAsync(this["copy.db"], Cancelled);
        var restore = await CliProcess.RunAsync("db", "restore", this["copy.db"], "--to", this["recourse.db"], "--force");
        var migrate = await CliProcess.RunAsync("db", "migrate", "--store", this["recourse.db"]);
        Assert.Equal((ExitCode.Conflict, ExitCode.Conflict), (restore.ExitCode, migrate.ExitCode));
        Assert.Contains($"in use by process {Environment.ProcessId}", migrate.Error);
    }
}
