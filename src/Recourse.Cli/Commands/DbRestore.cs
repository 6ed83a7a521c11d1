using System.CommandLine;
using Recourse.Cli.Output;
using Recourse.Sqlite;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse db restore</c>: puts a backup in a store's place and says what that means for those who get messages.</summary>
internal static class DbRestore
{
    public static Command Create()
    {
        var backup = new Argument<string>("FILE") { Description = "The backup; it stays as it is" };
        var to = new Option<string>("--to") { Description = "The store that it becomes", HelpName = "STORE", Required = true };
        var force = new Option<bool>("--force") { Description = "Put a store that is there aside, under a name that is printed" };
        var json = CommonOptions.Json("Print what was done as one JSON document");
        var command = new Command("restore", "Put a backup in the store's place; the relay must be stopped") { backup, to, force, json };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(backup)!, parsed.GetValue(to)!, parsed.GetValue(force),
            parsed.GetValue(json), cancellationToken));
        return command.Teach(
        [
            ("Into an empty place", "recourse db restore /backups/monday.db --to recourse.db"),
            ("In place of a damaged store, which is kept", "recourse db restore /backups/monday.db --to recourse.db --force"),
        ], "What was delivered after the backup was made is delivered again, with the same Idempotency-Keys; what was accepted after it is "
            + "not in it.");
    }

    private static async Task<int> RunAsync(string backup, string to, bool force, bool json, CancellationToken cancellationToken)
    {
        var done = await DbCommand.GuardedAsync(() => SqliteStoreFile.RestoreAsync(backup, to, force, null, cancellationToken));
        if (json)
        {
            JsonOutput.Write(new(done.Path, done.Schema, done.LastActivity, done.Open, done.Replaced), CliJson.Default.DbRestored);
            return ExitCode.Ok;
        }
        Console.Out.WriteLine($"{done.Path} is restored from {backup}.");
        if (done.Replaced is { } aside)
            Console.Out.WriteLine($"What was there is now {aside}.");
        Console.Error.WriteLine(done.LastActivity is { } last
            ? $"warning: it knows nothing after {last.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC. "
                + $"Deliveries that are open in it: {done.Open:N0}. With the next start they go out, those that were delivered "
                + "since then once more, with the same Idempotency-Keys. Messages that "
                + "were accepted since then are not in it; their senders have to send them again."
            : "warning: the backup is of an empty store.");
        return ExitCode.Ok;
    }
}
