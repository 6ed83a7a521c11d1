using System.CommandLine;
using Recourse.Cli.Output;
using Recourse.Durable;
using Recourse.Server;
using Recourse.Sqlite;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse db</c>: the store's file as a whole. Backup works with a running relay; restore and migrate without one.</summary>
internal static class DbCommand
{
    private const string Sqlite = "sqlite:";

    public static Command Create()
    {
        var command = new Command("db", "Back the store up; restore, check, migrate or rekey it")
        {
            DbBackup.Create(), DbRestore.Create(), Check(), Migrate(), DbRekey.Create(),
        };
        return command.Teach(
        [
            ("A backup of the running relay, every night", "recourse db backup /backups/recourse-$(date +%F).db"),
            ("Is the file sound?", "recourse db check"),
        ]);
    }

    internal static Option<string?> Store() => new("--store")
    {
        Description = "The store's file; without it that of --config",
        HelpName = "FILE",
    };

    internal static Option<string> Config() => new("--config", "-c")
    {
        Description = "The configuration that names the store (default recourse.yaml)",
        HelpName = "FILE",
        DefaultValueFactory = _ => "recourse.yaml",
    };

    /// <summary>The configuration that names the store.</summary>
    internal static RelayConfiguration Load(string config)
    {
        var loaded = RelayConfiguration.Load(config);
        return loaded.Configuration ?? throw new CliException(
            ExitCode.Usage, $"{config} is wrong, so it does not tell where the store is: {loaded.Errors[0]}");
    }

    /// <summary>The store of a configuration as the relay would have it, not yet opened.</summary>
    internal static EncryptedMessageStore StoreOf(RelayConfiguration configuration) => new(
        ServeCommand.OpenStore(configuration.Store, configuration.Durability, TimeProvider.System), configuration.PayloadKeys);

    /// <summary>The file that is meant; null when neither option tells.</summary>
    internal static string? Find(string? store, string config)
    {
        if (store is not null)
            return Path.GetFullPath(store.StartsWith(Sqlite, StringComparison.Ordinal) ? store[Sqlite.Length..] : store);
        if (!File.Exists(config))
            return null;
        var loaded = RelayConfiguration.Load(config);
        if (loaded.Configuration is not { } configuration)
            throw new CliException(ExitCode.Usage,
                $"{config} is wrong, so it does not tell where the store is: {loaded.Errors[0]}. Or name the file with --store.");
        return configuration.Store.StartsWith(Sqlite, StringComparison.Ordinal) ? Path.GetFullPath(configuration.Store[Sqlite.Length..])
            : throw new CliException(ExitCode.Usage, $"The store of {config} is {StoreName.Shown(configuration.Store)}; "
                + "these verbs are for SQLite files. PostgreSQL has pg_dump, pg_restore and amcheck.");
    }

    internal static string Found(string? store, string config) => Find(store, config) ?? throw new CliException(ExitCode.Usage,
        $"there is no {config} here that would tell where the store is. Name the file with --store, or the configuration with --config.");

    /// <summary>Runs what uses the file; refusals of the store become sentences with the exit code that fits.</summary>
    internal static async Task<T> GuardedAsync<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (StoreException error)
        {
            throw new CliException(error.Problem switch
            {
                StoreProblem.Locked => ExitCode.Conflict,
                StoreProblem.DiskFull or StoreProblem.Busy => ExitCode.Refused,
                StoreProblem.Other => ExitCode.Usage,
                _ => ExitCode.Failed,
            }, error.Message, error);
        }
    }

    internal static string Size(long bytes) => bytes < 10_000_000 ? $"{bytes:N0} bytes" : $"{bytes / 1_000_000:N0} MB";

    private static Command Check()
    {
        var (store, config, json) = (Store(), Config(), CommonOptions.Json("Print the findings as one JSON document"));
        var command = new Command("check", "Read the whole file and find what is damaged or contradicts itself") { store, config, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = Found(parsed.GetValue(store), parsed.GetValue(config)!);
            var check = await GuardedAsync(() => SqliteStoreFile.CheckAsync(path, cancellationToken));
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(
                    new(check.Sound, check.Path, check.Schema, check.Bytes, check.Damage, check.BrokenRules, check.PayloadKeys),
                    CliJson.Default.DbFindings);
                return check.Sound ? ExitCode.Ok : ExitCode.Failed;
            }
            foreach (var finding in check.Damage)
                Console.Out.WriteLine($"damage: {Screen.Safe(finding, 300)}");
            foreach (var finding in check.BrokenRules)
                Console.Out.WriteLine($"contradiction: {Screen.Safe(finding, 300)}");
            Console.Out.WriteLine(check.Sound
                ? $"{check.Path} is sound: schema {check.Schema}, {Size(check.Bytes)}."
                : $"{check.Path} is not sound. Stop the relay, keep a copy of the file and its -wal, and restore the last good backup.");
            if (check.PayloadKeys.Count > 0)
                Console.Out.WriteLine($"Its payloads are sealed with {string.Join(", ", check.PayloadKeys.Select(key => $"'{key}'"))}: a "
                    + "relay on it needs each of them under encryption: keys:.");
            return check.Sound ? ExitCode.Ok : ExitCode.Failed;
        });
        return command.Teach(
            [("Check the store of this folder", "recourse db check"), ("Check a backup", "recourse db check --store /backups/monday.db")],
            "It changes nothing and may run beside the relay. Exit codes: 0 sound, 1 not.");
    }

    private static Command Migrate()
    {
        var (store, config, json) = (Store(), Config(), CommonOptions.Json("Print what was done as one JSON document"));
        var noBackup = new Option<bool>("--no-backup") { Description = "Do not copy the file first; for those who have a backup" };
        var command = new Command("migrate", "Bring the file to the schema of this release; `serve` does the same at its start")
        {
            store, config, noBackup, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new SqliteStoreOptions
            {
                Path = Found(parsed.GetValue(store), parsed.GetValue(config)!),
                BackupBeforeMigration = !parsed.GetValue(noBackup),
            };
            var done = await GuardedAsync(() => SqliteStoreFile.MigrateAsync(options, null, cancellationToken));
            if (parsed.GetValue(json))
                JsonOutput.Write(new(options.Path, done?.From, done?.To, done?.Backup), CliJson.Default.DbMigrated);
            else if (done is null)
                Console.Out.WriteLine($"{options.Path} has the schema of this release; nothing to do.");
            else
                Console.Out.WriteLine($"{options.Path}: migrated from schema {done.From} to {done.To}. "
                    + (done.Backup is null ? "No copy was made." : $"As it was before: {done.Backup}"));
            return ExitCode.Ok;
        });
        return command.Teach([("Migrate while nobody waits, before the new release starts", "recourse db migrate")],
            "Before the first step the file is copied to {file}.v{schema}-{time}.bak, and the copy is checked.");
    }
}

/// <summary>What <c>db check --json</c> prints.</summary>
internal sealed record DbFindings(
    bool Sound, string Path, int Schema, long Bytes, IReadOnlyList<string> Damage, IReadOnlyList<string> BrokenRules,
    IReadOnlyList<string> PayloadKeys);

/// <summary>What <c>db migrate --json</c> prints; from and to are null when nothing was to do.</summary>
internal sealed record DbMigrated(string Path, int? From, int? To, string? Backup);

/// <summary>What <c>db backup --json</c> prints.</summary>
internal sealed record DbBackedUp(string Path, long Bytes, int Schema, DateTimeOffset At);

/// <summary>What <c>db restore --json</c> prints.</summary>
internal sealed record DbRestored(string Path, int Schema, DateTimeOffset? LastActivity, long Open, string? Replaced);
