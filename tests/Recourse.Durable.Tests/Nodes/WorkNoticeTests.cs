using Recourse.Postgres;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>How nodes that share a database hear of work that another one stored.</summary>
public sealed class WorkNoticeTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_is_told_of_the_service_that_another_has_work_for_and_not_of_its_own()
    {
        var (connection, clock) = (server.NewDatabase(), new ManualClock());
        await using var listening = new PostgresMessageStore(connection, clock) { Node = new("listening") };
        await using var sending = new PostgresMessageStore(connection, clock) { Node = new("sending") };
        await listening.OpenAsync(Cancelled);
        await sending.OpenAsync(Cancelled);
        var (heard, own) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), 0);
        listening.Nodes!.Observe(news =>
        {
            if (news.Work.Contains("billing"))
                heard.TrySetResult();
        });
        sending.Nodes!.Observe(news => own += news.Work.Count);
        // Again and again: one that was told before the other listens is not heard.
        await Eventually.HoldsAsync("the other node hears of it", Limit, async token =>
        {
            await sending.CommitAsync(new EnqueueCommand(new() { Queue = "orders", Services = ["billing"], Body = default }), token);
            clock.Advance(TimeSpan.FromMilliseconds(200));
            return heard.Task.IsCompleted;
        });
        Assert.Equal(0, own);
    }
}
