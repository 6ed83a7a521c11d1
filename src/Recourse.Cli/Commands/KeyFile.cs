using Recourse.Cli.Client;
using Recourse.Durable;
using Recourse.Server;
using Recourse.Server.Api;
using Recourse.Server.Security;
using Recourse.Sqlite;

namespace Recourse.Cli.Commands;

/// <summary>
/// Makes a key in a store that no relay has open: the first one, before a relay listens beyond loopback; or a new admin's, when the last
/// one was lost. Whoever may write the store's file may do so anyway. And lists those of a file, relay or not.
/// </summary>
internal static class KeyFile
{
    /// <summary>The keys in the file that a configuration names. Only reads, so it may run beside the relay.</summary>
    public static async Task<Listing<KeyAnswer>> ListAsync(string config, CancellationToken cancellationToken)
    {
        var configuration = DbCommand.Load(config);
        if (!configuration.Store.StartsWith("sqlite:", StringComparison.Ordinal))
            throw new CliException(ExitCode.Usage, $"the store of {config} is {StoreName.Shown(configuration.Store)}, and --config lists "
                + "the keys of SQLite files: ask a relay that runs on it, with --server and an admin's key.");
        var path = configuration.Store["sqlite:".Length..];
        var all = await DbCommand.GuardedAsync(() => SqliteStoreFile.KeysAsync(path, cancellationToken));
        var now = TimeProvider.System.GetUtcNow();
        var sessions = all.Where(key => key.Parent is not null && key.ExpiresAt > now).ToLookup(key => key.Parent);
        return new([.. all.Where(key => key.Parent is null).Select(key => new KeyAnswer
        {
            Id = key.Id,
            Name = key.Name,
            Role = key.Role.Name(),
            CreatedAt = key.CreatedAt,
            CreatedBy = key.CreatedBy,
            ExpiresAt = key.ExpiresAt,
            Expired = key.ExpiresAt <= now,
            Sessions = sessions[key.Id].Count(),
        })], null);
    }

    public static async Task<NewKeyAnswer> AddAsync(string config, NewKeyBody asked, CancellationToken cancellationToken)
    {
        var configuration = DbCommand.Load(config);
        if (configuration.Store == "memory:")
            throw new CliException(ExitCode.Usage, "a store in memory keeps nothing: its keys are made while the relay runs.");
        _ = Roles.TryParse(asked.Role, out var role);
        var secret = KeySecret.New();
        var name = asked.Name ?? $"{role.Name()}-{secret.Id}";
        var command = new AddKeyCommand(secret.Id, name, role, secret.Hash(), $"{Environment.UserName}@{Environment.MachineName}")
        {
            Lifetime = asked.ExpiresInSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        };
        var outcome = await DbCommand.GuardedAsync(async () =>
        {
            await using var store = DbCommand.StoreOf(configuration);
            await store.OpenAsync(cancellationToken);
            try
            {
                return await store.CommitAsync(command, cancellationToken);
            }
            catch (ArgumentException error)
            {
                throw new CliException(ExitCode.Usage, error.Message, error);
            }
        });
        if (outcome is not KeyOutcome.Done)
            throw new CliException(ExitCode.Conflict, KeyRoutes.Words(outcome, name));
        return new(secret.Id, name, role.Name(), secret.Text, TimeProvider.System.GetUtcNow() + command.Lifetime);
    }
}
