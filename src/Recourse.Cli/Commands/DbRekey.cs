using System.CommandLine;
using Recourse.Cli.Output;
using Recourse.Durable;
using Recourse.Server;
using Recourse.Sqlite;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse db rekey</c>: seals every payload of a store with the active key.</summary>
internal static class DbRekey
{
    public static Command Create()
    {
        var (config, json) = (DbCommand.Config(), CommonOptions.Json("Print what was done as one JSON document"));
        var command = new Command("rekey", "Seal every payload with the active key of the configuration; the relay must be stopped")
        {
            config, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var file = parsed.GetValue(config)!;
            var configuration = DbCommand.Load(file);
            if (configuration.PayloadKeys.Count == 0)
                throw new CliException(ExitCode.Usage, $"{file} has no encryption: keys:, so there is no key to seal with.");
            var done = await DbCommand.GuardedAsync(() => RunAsync(configuration, cancellationToken));
            var compacted = await CompactAsync(configuration.Store, cancellationToken);
            var active = configuration.PayloadKeys[0].Id;
            if (parsed.GetValue(json))
                JsonOutput.Write(new(active, done, compacted), CliJson.Default.DbRekeyed);
            else
                Console.Out.WriteLine($"{Screen.Counted(done, "payload was", "payloads were")} sealed with '{active}'; every payload is "
                    + $"now. Other keys are needed no more. {(compacted ? Compacted : Vacuum)}");
            return ExitCode.Ok;
        });
        return command.Teach([("After encryption: active: names another key", "recourse db rekey")],
            "It works in small commits: ended at any time, it goes on where it stopped when it is run again."
            + Environment.NewLine + "At the end a SQLite file is written anew, which needs twice its size on the disk for a while.");
    }

    private const string Compacted = "The file was written anew: nothing of what it held before is left in it. Backups made before still "
        + "hold it.";
    private const string Vacuum = "What stood there before is gone from the database's files after VACUUM FULL; backups made before "
        + "still hold it.";

    // Replaced rows leave their bytes in free pages, and those of before there was a key are plain text. Each time, also when nothing
    // was to seal: a run that was ended before this is then made whole by the next.
    private static async Task<bool> CompactAsync(string store, CancellationToken cancellationToken)
    {
        if (!store.StartsWith("sqlite:", StringComparison.Ordinal))
            return false;
        try
        {
            await LongWork.RunAsync("Writing the file anew", 0,
                _ => SqliteStoreFile.CompactAsync(store["sqlite:".Length..], cancellationToken));
            return true;
        }
        catch (StoreException error)
        {
            throw new CliException(ExitCode.Failed, "every payload is sealed, but what stood in the file before may still be read in it: "
                + $"it could not be written anew. {error.Message} Mend that, and run `recourse db rekey` again.", error);
        }
    }

    private static async Task<long> RunAsync(RelayConfiguration configuration, CancellationToken cancellationToken)
    {
        await using var store = DbCommand.StoreOf(configuration);
        await store.OpenAsync(cancellationToken);
        var nodes = await store.Queries.NodesAsync(cancellationToken);
        // Where nodes register, this command is one of them.
        if (nodes.FirstOrDefault(node => !node.Self) is { } other)
            throw new CliException(ExitCode.Conflict, $"The node '{other.Name}' runs on this store. It may still seal with another key: "
                + "stop every node, then repeat it. One that was killed is forgotten when another starts.");
        var done = 0L;
        await LongWork.RunAsync("Sealing payloads", 0, async step => done = await store.RekeyAsync(new Steps(step), cancellationToken));
        return done;
    }

    private sealed class Steps(Action<double> step) : IProgress<long>
    {
        private long _before;

        public void Report(long value)
        {
            step(value - _before);
            _before = value;
        }
    }
}

/// <summary>What <c>db rekey --json</c> prints.</summary>
internal sealed record DbRekeyed(string Key, long Sealed, bool Compacted);
