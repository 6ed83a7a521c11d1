using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>A file of the first schema, with dead letters that know nothing of groups and of the search.</summary>
public sealed class LetterMigrationTests : IDisposable
{
    private const int Letters = 7;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-letters-");
    private readonly ManualClock _clock = new();
    private readonly List<DeliveryId> _ids = [];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private string Db => Path.Combine(_folder.FullName, "test.db");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Letters_of_the_first_schema_are_listed_found_and_sorted_in_step_by_step()
    {
        WriteOldFile();
        await using var store = new SqliteMessageStore(Db, _clock);
        await store.OpenAsync(Cancelled);
        var dead = new DeliveryFilter { State = DeliveryState.Dead };
        async Task<IReadOnlyList<DeliverySummary>> ListAsync(DeliveryFilter filter) =>
            (await store.Queries.DeliveriesAsync(filter, Cancelled)).Items;

        var before = await ListAsync(dead);
        Assert.Equal(_ids.AsEnumerable().Reverse(), before.Select(letter => letter.Id));
        Assert.Equal(Letters, before.Select(letter => letter.DeadAt).Distinct().Count());
        Assert.All(before, letter => Assert.Null(letter.Group));
        Assert.Equal([_ids[3]], (await ListAsync(dead with { Text = "CUSTOMER 3" })).Select(letter => letter.Id));
        Assert.Equal(Letters, (await ListAsync(dead with { Kind = FaultKind.ValidationError })).Count);

        // One that somebody acts on is sorted in on the way; its history outlives that.
        await store.CommitAsync(new AnnotateCommand(_ids[6], "ann") { Note = "seen" }, Cancelled);
        Assert.Equal(4, await store.CommitAsync(new IndexLettersCommand(4), Cancelled));
        Assert.Equal([_ids[1]], (await ListAsync(dead with { Text = "customer 1" })).Select(letter => letter.Id));
        Assert.Equal(2, await store.CommitAsync(new IndexLettersCommand(4), Cancelled));
        Assert.Equal(0, await store.CommitAsync(new IndexLettersCommand(4), Cancelled));

        var group = Assert.Single((await store.Queries.GroupsAsync(new(), Cancelled)).Items);
        Assert.Equal(("no customer <*>", Letters), (group.Template, (int)group.Dead));
        Assert.Equal(Letters, (await ListAsync(dead with { Group = group.Id })).Count);
        for (var i = 0; i < Letters; i++)
            Assert.Equal([_ids[i]], (await ListAsync(dead with { Text = $"customer {i}" })).Select(letter => letter.Id));
    }

    [Fact]
    public async Task A_letter_of_the_first_schema_can_be_sent_back_before_it_is_sorted_in()
    {
        WriteOldFile();
        await using var store = new SqliteMessageStore(Db, _clock);
        await store.OpenAsync(Cancelled);
        Assert.Equal(DeadLetterOutcome.Done, await store.CommitAsync(new ReplayCommand(_ids[2], "ann", null), Cancelled));
        Assert.Equal(Letters - 1, await store.CommitAsync(new IndexLettersCommand(100), Cancelled));
        var group = Assert.Single((await store.Queries.GroupsAsync(new(), Cancelled)).Items);
        Assert.Equal((Letters - 1, Letters), ((int)group.Dead, (int)group.Total));
        Assert.Equal(Letters - 1, (await store.Queries.QueuesAsync(Cancelled))[0].Dead);
    }

    /// <summary>As the release before wrote it: several deaths of one commit at the same time.</summary>
    private void WriteOldFile()
    {
        using var database = new SqliteDatabase(Db, readOnly: false);
        database.Execute("PRAGMA journal_mode = WAL");
        database.Execute(Migration.Of(typeof(SqliteMessageStore).Assembly)[0].Sql);
        database.Execute(
            $"""
            PRAGMA application_id = {0x52637273};
            INSERT INTO schema_version VALUES (1, 1, 0);
            INSERT INTO queues VALUES (1, 'orders'); INSERT INTO services VALUES (1, 'billing');
            INSERT INTO routes (id, queue, service, accepted, dead) VALUES (1, 1, 1, {Letters}, {Letters});
            """);
        var message = database.Prepare(
            "INSERT INTO messages (sequence, id, queue, services, created_at, body) VALUES (?1, ?2, 1, 1, 0, x'00')");
        var delivery = database.Prepare(
            """
            INSERT INTO deliveries (key, route, state, due_at, attempts, kind, persistence, blame, fault_attempt, ended_at)
            VALUES (?1, 1, 4, 0, 1, 'validation_error', 1, 2, 1, ?2)
            """);
        var attempt = database.Prepare(
            """
            INSERT INTO attempts (delivery, number, generation, started_at, outcome, kind, applied, status, error)
            VALUES (?1, 1, 0, 0, 'failed', 'validation_error', 0, '422', ?2)
            """);
        for (var i = 0; i < Letters; i++)
        {
            var id = Guid.CreateVersion7(DateTimeOffset.UnixEpoch.AddSeconds(i + 1));
            _ids.Add(new(id, 0));
            message.Bind(1, i + 1).Bind(2, id).Run();
            // Times 1000, 1000, 1000, 1001, 1001, 1001, 1002: moving the first three apart pushes those after them too.
            delivery.Bind(1, (i + 1) * 256).Bind(2, 1000 + (i / 3)).Run();
            attempt.Bind(1, (i + 1) * 256).Bind(2, $"no customer {i}").Run();
        }
    }
}
