using Npgsql;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>One node prunes a message while another imports a letter into it; a connection of the test is at one of the two ends.</summary>
public sealed partial class PostgresNodesTests
{
    /// <summary>A message that has ended, and a letter of it for another service.</summary>
    private async Task<ImportLetterCommand> LetterOfEndedAsync(MessageStore store)
    {
        await PutAsync(store, "a");
        var held = Assert.Single(await ClaimAsync(store));
        await KillAsync(store, held, "no");
        var letter = (await store.Queries.DeliveryAsync(held.Id, Cancelled))!;
        var body = (await store.Queries.OriginalPayloadAsync(held.Id, Cancelled))!;
        await store.CommitAsync(new DiscardCommand(held.Id, "ann", null), Cancelled);
        _clock.Advance(TimeSpan.FromMinutes(1));
        return new(letter with { Id = new(held.Id.MessageId, 1), Service = "mail" }, body, "ann");
    }

    private async Task<NpgsqlConnection> ConnectAsync(string begin)
    {
        var connection = new NpgsqlConnection(_connection + ";Search Path=recourse;Pooling=false");
        await connection.OpenAsync(Cancelled);
        await RunAsync(connection, begin);
        return connection;
    }

    private static async Task<long> RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(Cancelled) as long? ?? 0;
    }

    [Fact]
    public async Task A_message_into_which_a_letter_is_being_imported_is_left_by_pruning()
    {
        var store = await OpenAsync();
        await LetterOfEndedAsync(store);
        await using (var import = await ConnectAsync("BEGIN; UPDATE messages SET services = services + 1"))
        {
            Assert.Equal(0, await store.CommitAsync(new PruneCommand(TimeSpan.Zero, 10), Cancelled));
            await RunAsync(import, "ROLLBACK");
        }
        Assert.Equal(1, await store.CommitAsync(new PruneCommand(TimeSpan.Zero, 10), Cancelled));
    }

    [Fact]
    public async Task A_letter_whose_message_is_being_pruned_comes_in_with_a_message_of_its_own()
    {
        var store = await OpenAsync();
        var letter = await LetterOfEndedAsync(store);
        await using var prune = await ConnectAsync("BEGIN; DELETE FROM deliveries; DELETE FROM messages");
        var import = store.CommitAsync(letter, Cancelled).AsTask();
        await Eventually.HoldsAsync("the import waits for the message", TimeSpan.FromSeconds(30), async _ => await RunAsync(
            prune, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1);
        await RunAsync(prune, "COMMIT");
        Assert.Equal(ImportOutcome.Imported, await import);
        Assert.Equal(0, await store.CommitAsync(new PruneCommand(TimeSpan.Zero, 10), Cancelled));
        Assert.Equal("a"u8.ToArray(), (await store.Queries.PayloadAsync(letter.Letter.Id, Cancelled))!.Body.ToArray());
    }
}
