using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Recourse.Durable;
using Recourse.Sqlite;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse db backup</c>: by the relay that owns the file, or straight from the file when nobody does.</summary>
internal static class DbBackup
{
    /// <summary>A large store on a slow disk is copied and read through once more; much longer means that something hangs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromHours(2);

    public static Command Create()
    {
        var target = new Argument<string>("FILE") { Description = "The backup: a file that does not exist yet" };
        var (store, config, server, json) = (DbCommand.Store(), DbCommand.Config(), CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("backup", "Copy the store while it is in use, and check the copy") { target, store, config, server,
            json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = Path.GetFullPath(parsed.GetValue(target)!);
            var made = DbCommand.Find(parsed.GetValue(store), parsed.GetValue(config)!) is { } file
                && await FromFileAsync(file, path, cancellationToken) is { } direct
                    ? direct : await FromRelayAsync(parsed.GetValue(server)!, path, cancellationToken);
            if (parsed.GetValue(json))
                JsonOutput.Write(made, CliJson.Default.DbBackedUp);
            else
                Console.Out.WriteLine($"{Screen.Safe(made.Path)}: {DbCommand.Size(made.Bytes)}, checked; all that was stored before "
                    + $"{made.At.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC.");
            return ExitCode.Ok;
        });
        return command.Teach(
        [
            ("Of the running relay", "recourse db backup /backups/recourse.db"),
            ("Of a file that no relay has open", "recourse db backup /backups/recourse.db --store recourse.db"),
        ], "The relay writes the file, on its machine. Nothing is overwritten; a copy that fails leaves nothing behind.");
    }

    /// <summary>Null when a process owns the file: then that one has to make the copy.</summary>
    private static Task<DbBackedUp?> FromFileAsync(string file, string path, CancellationToken cancellationToken) =>
        DbCommand.GuardedAsync(async () =>
        {
            try
            {
                var made = await SqliteStoreFile.BackupAsync(file, path, null, cancellationToken);
                return new DbBackedUp(made.Path, made.Bytes, made.Schema, made.At);
            }
            catch (StoreException error) when (error.Problem is StoreProblem.Locked)
            {
                return null;
            }
        });

    private static async Task<DbBackedUp> FromRelayAsync(Uri server, string path, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server, Limit);
        using var answer = await relay.SendAsync(() => new(HttpMethod.Post, "v1/store:backup")
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new() { ["path"] = path },
                CliJson.Default.DictionaryStringString))
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        }, cancellationToken);
        await relay.ThrowIfRefusedAsync(answer, cancellationToken);
        return relay.Parse(await answer.Content.ReadAsByteArrayAsync(cancellationToken), CliJson.Default.DbBackedUp);
    }
}
