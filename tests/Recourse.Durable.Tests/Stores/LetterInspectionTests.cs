using Recourse.Sqlite;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>What <c>db check</c> finds out about dead letters and replay jobs.</summary>
public sealed class LetterInspectionTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-inspection-");

    private string Db => Path.Combine(_folder.FullName, "test.db");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Four letters: one edited and noted, one sent by a job and delivered, one sent and not yet ended, one as it died.</summary>
    private async Task FillAsync()
    {
        await using var store = new SqliteMessageStore(Db, new ManualClock());
        await store.OpenAsync(Cancelled);
        for (var i = 0; i < 4; i++)
            await store.CommitAsync(new EnqueueCommand(new() { Queue = "q", Services = ["x"], Body = new byte[10] }), Cancelled);
        var held = (await store.CommitAsync(new ClaimCommand("x", 4, "n"), Cancelled)).Deliveries;
        foreach (var claimed in held)
        {
            await store.CommitAsync(new FailCommand(claimed.Id, claimed.Lease,
                new() { Number = 1, StartedAt = claimed.ClaimedAt, Outcome = "failed", Error = "no customer" }, Classification.Unknown,
                new(DeliveryAction.DeadLetter, null, "no")), Cancelled);
        }
        await store.CommitAsync(new EditPayloadCommand(held[0].Id, "ann", null, new byte[3]), Cancelled);
        await store.CommitAsync(new AnnotateCommand(held[0].Id, "ann") { Note = "seen" }, Cancelled);
        var request = new ReplayRequest { Filter = new() { Queue = "q" }, Actor = "ann" };
        var job = Guid.CreateVersion7();
        await store.CommitAsync(new StartReplayCommand(job, request, 2), Cancelled);
        Assert.NotNull(await store.CommitAsync(new ReplayBatchCommand(job, null, "somewhere", [held[1].Id, held[2].Id]), Cancelled));
        var again = (await store.CommitAsync(new ClaimCommand("x", 1, "n"), Cancelled)).Deliveries[0];
        await store.CommitAsync(new CompleteCommand(again.Id, again.Lease,
            new() { Number = 2, StartedAt = again.ClaimedAt, Outcome = "delivered" }), Cancelled);
        await store.CommitAsync(new ControlCommand(ControlKind.QueuePaused, "q", true, "ann", null), Cancelled);
    }

    [Theory]
    [InlineData("UPDATE letter_groups SET dead = dead + 1", "it counts 3 dead; the rows say 2")]
    [InlineData("DELETE FROM letter_groups", "its group is missing")]
    [InlineData("UPDATE deliveries SET ended_at = NULL WHERE key = 256", "no time of death")]
    [InlineData("UPDATE deliveries SET ended_at = 7 WHERE state = 4", "the same time of death")]
    [InlineData("INSERT INTO letter_text (rowid, error) VALUES (7, 'LOST')", "that is not there")]
    [InlineData("DELETE FROM letter_text WHERE rowid = (SELECT ended_at FROM deliveries WHERE key = 256)", "does not know its error")]
    [InlineData("INSERT INTO letter_marks (delivery, note) VALUES (99999, 'x')", "marks of delivery 99999")]
    [InlineData("INSERT INTO letter_acts (delivery, at, actor, verb) VALUES (99999, 0, 'x', 'note')", "history of delivery 99999")]
    [InlineData("UPDATE letter_bodies SET delivery = 99999", "edited body of delivery 99999")]
    [InlineData("UPDATE deliveries SET edits = 0", "does not know that it was edited")]
    [InlineData("DELETE FROM letter_bodies", "its body is missing")]
    [InlineData("UPDATE replays SET delivered = 2", "its items say 2, 1, 0")]
    [InlineData("UPDATE replays SET dead_again = 5", "more of its letters ended than were sent")]
    [InlineData("UPDATE replay_items SET replay = 77", "items of replay 77")]
    [InlineData("UPDATE deliveries SET replay = NULL", "the delivery is not on its way")]
    [InlineData("UPDATE controls SET actor = ''", "nobody ordered it")]
    public async Task A_check_finds_what_contradicts_the_rules_of_letters_and_jobs(string sabotage, string finding)
    {
        await FillAsync();
        var sound = await SqliteStoreFile.CheckAsync(Db, Cancelled);
        Assert.Empty(sound.BrokenRules);
        using (var saboteur = new SqliteDatabase(Db, readOnly: false))
            saboteur.Execute(sabotage);
        var check = await SqliteStoreFile.CheckAsync(Db, Cancelled);
        Assert.Empty(check.Damage);
        Assert.Contains(check.BrokenRules, broken => broken.Contains(finding, StringComparison.Ordinal));
    }
}
