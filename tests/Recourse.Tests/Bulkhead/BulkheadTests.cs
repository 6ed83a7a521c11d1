namespace Recourse.Tests.Bulkheads;

public class BulkheadTests
{
    private readonly ManualClock _clock = new();

    private Bulkhead Make(int max, int queue = 0) =>
        new(new() { MaxConcurrent = max, MaxQueue = queue, QueueTimeout = TimeSpan.FromSeconds(30) }, _clock);

    [Fact]
    public void Gives_as_many_permits_as_it_has()
    {
        using var bulkhead = Make(2);
        Assert.True(bulkhead.TryAcquire());
        Assert.Equal(0.5, bulkhead.Utilization);
        Assert.True(bulkhead.TryAcquire());
        Assert.False(bulkhead.TryAcquire());
        bulkhead.Release();
        Assert.True(bulkhead.TryAcquire());
        Assert.Equal(new BulkheadStatistics(2, 2, 0, 1, 0), bulkhead.Statistics);
    }

    [Fact]
    public void Gives_several_permits_at_once_as_far_as_they_go()
    {
        using var bulkhead = Make(10);
        Assert.Equal(7, bulkhead.TryAcquire(7));
        Assert.Equal(3, bulkhead.TryAcquire(7));
        Assert.Equal(0, bulkhead.TryAcquire(7));
        Assert.Equal(0, bulkhead.TryAcquire(0));
        Assert.Equal((10, 0L), (bulkhead.InFlight, bulkhead.Statistics.Rejected));
        Assert.Throws<ArgumentOutOfRangeException>(() => bulkhead.TryAcquire(-1));
    }

    [Fact]
    public void A_release_too_many_is_an_error_and_not_a_permit_more()
    {
        using var bulkhead = Make(1);
        Assert.True(bulkhead.TryAcquire());
        bulkhead.Release();
        var error = Assert.Throws<InvalidOperationException>(bulkhead.Release);
        Assert.Contains("'bulkhead'", error.Message, StringComparison.Ordinal);
        Assert.True(bulkhead.TryAcquire());
        Assert.False(bulkhead.TryAcquire());
    }

    [Fact]
    public async Task A_call_that_waits_gets_the_permit_that_comes_free()
    {
        using var bulkhead = Make(1, queue: 1);
        Assert.True(bulkhead.TryAcquire());
        var waiting = bulkhead.AcquireAsync(TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, bulkhead.Queued);
        bulkhead.Release();
        Assert.True(await waiting);
        Assert.Equal((1, 0), (bulkhead.InFlight, bulkhead.Queued));
        Assert.Equal(0, _clock.ArmedTimers);
    }

    [Fact]
    public async Task A_full_queue_and_a_wait_in_vain_are_told_apart()
    {
        using var bulkhead = Make(1, queue: 1);
        Assert.Equal(BulkheadEntry.Acquired, await bulkhead.EnterAsync(TestContext.Current.CancellationToken));
        var waiting = bulkhead.EnterAsync(TestContext.Current.CancellationToken);
        Assert.Equal(BulkheadEntry.QueueFull, await bulkhead.EnterAsync(TestContext.Current.CancellationToken));
        _clock.Advance(TimeSpan.FromSeconds(30) - TimeSpan.FromTicks(1));
        Assert.False(waiting.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(BulkheadEntry.TimedOut, await waiting);
        Assert.Equal(new BulkheadStatistics(1, 1, 0, 1, 1), bulkhead.Statistics);
    }

    [Fact]
    public async Task Waiters_come_in_the_order_they_came_and_nobody_passes_them()
    {
        using var bulkhead = Make(1, queue: 3);
        Assert.True(bulkhead.TryAcquire());
        ValueTask<bool>[] waiting = [.. Enumerable.Range(0, 3).Select(_ => bulkhead.AcquireAsync(TestContext.Current.CancellationToken))];
        for (var turn = 0; turn < 3; turn++)
        {
            bulkhead.Release();
            Assert.True(await waiting[turn]);
            Assert.All(waiting[(turn + 1)..], later => Assert.False(later.IsCompleted));
            Assert.False(bulkhead.TryAcquire());
        }
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_the_queue_at_once()
    {
        using var bulkhead = Make(1, queue: 1);
        Assert.True(bulkhead.TryAcquire());
        using var cancellation = new CancellationTokenSource();
        var waiting = bulkhead.AcquireAsync(cancellation.Token);
        await cancellation.CancelAsync();
        Assert.Equal(0, bulkhead.Queued);
        var error = await Assert.ThrowsAsync<OperationCanceledException>(() => waiting.AsTask());
        Assert.Equal(cancellation.Token, error.CancellationToken);
        Assert.Equal(0, _clock.ArmedTimers);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bulkhead.AcquireAsync(cancellation.Token).AsTask());
        bulkhead.Release();
        Assert.Equal(0, bulkhead.InFlight);
    }

    [Fact]
    public void A_larger_limit_lets_waiters_in_and_a_smaller_one_waits_for_calls_to_end()
    {
        using var bulkhead = Make(1, queue: 9);
        Assert.True(bulkhead.TryAcquire());
        RecordingWaiter[] waiters = [.. Enumerable.Range(0, 4).Select(_ => new RecordingWaiter())];
        Assert.All(waiters, waiter => Assert.Equal(BulkheadAdmission.Queued, bulkhead.TryEnqueue(waiter)));
        bulkhead.Resize(3);
        Assert.Equal([1, 1, 0, 0], waiters.Select(waiter => waiter.Grants));
        bulkhead.Reload(bulkhead.Options with { MaxConcurrent = 1 });
        Assert.Equal((3, 1), (bulkhead.InFlight, bulkhead.Limit));
        bulkhead.Release();
        bulkhead.Release();
        Assert.Equal((1, 2), (bulkhead.InFlight, bulkhead.Queued));
        bulkhead.Release();
        Assert.Equal([1, 1, 1, 0], waiters.Select(waiter => waiter.Grants));
    }

    [Fact]
    public void A_granted_waiter_may_release_and_queue_again_from_within_its_grant()
    {
        using var bulkhead = Make(1, queue: 5);
        Assert.True(bulkhead.TryAcquire());
        var other = new RecordingWaiter();
        var waiter = new RecordingWaiter(self =>
        {
            bulkhead.Release();
            if (self.Grants == 1)
                Assert.Equal(BulkheadAdmission.Queued, bulkhead.TryEnqueue(self));
        });
        bulkhead.TryEnqueue(waiter);
        bulkhead.TryEnqueue(other);
        bulkhead.Release();
        Assert.Equal((1, 1), (waiter.Grants, other.Grants));
        bulkhead.Release();
        Assert.Equal((2, 0, 0), (waiter.Grants, bulkhead.InFlight, bulkhead.Queued));
    }

    [Fact]
    public async Task Work_on_dedicated_threads_runs_on_them_and_on_no_more_than_there_are()
    {
        using var bulkhead = new Bulkhead(new() { Name = "etl", DedicatedThreads = 2 }, _clock);
        using var both = new Barrier(2);
        var names = new System.Collections.Concurrent.ConcurrentBag<string?>();
        var work = Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
            () =>
            {
                both.SignalAndWait(TestContext.Current.CancellationToken);
                names.Add(Thread.CurrentThread.Name);
            },
            TestContext.Current.CancellationToken,
            TaskCreationOptions.None,
            bulkhead.Scheduler!));
        await Task.WhenAll(work);
        Assert.Equal(["etl 1/2", "etl 2/2"], names.Order());
        Assert.Equal(2, bulkhead.Scheduler!.MaximumConcurrencyLevel);
    }

    [Fact]
    public void Without_the_option_it_has_no_threads_of_its_own()
    {
        using var bulkhead = Make(1);
        Assert.Null(bulkhead.Scheduler);
    }

    [Fact]
    public void Permits_rejections_and_queueing_allocate_nothing()
    {
        using var bulkhead = Make(1, queue: 1);
        var waiter = new RecordingWaiter();
        var rejected = new RecordingWaiter();
        Assert.Equal(0, Allocations.Of(() =>
        {
            bulkhead.TryAcquire();
            bulkhead.TryAcquire();
            bulkhead.TryEnqueue(waiter);
            bulkhead.TryEnqueue(rejected);
            bulkhead.Cancel(waiter);
            bulkhead.TryEnqueue(waiter);
            bulkhead.Release();
            bulkhead.Release();
        }));
        Assert.Equal((5_000, 0, 0), (waiter.Grants, bulkhead.InFlight, bulkhead.Queued));
    }

    [Fact]
    public void A_permit_without_waiting_allocates_nothing_in_the_asynchronous_form()
    {
        using var bulkhead = Make(1);
        var acquired = 0;
        Assert.Equal(0, Allocations.Of(() =>
        {
            var entry = bulkhead.AcquireAsync();
            if (entry.IsCompletedSuccessfully && entry.GetAwaiter().GetResult())
                acquired++;
            bulkhead.Release();
        }));
        Assert.Equal(5_000, acquired);
    }

    public static TheoryData<BulkheadOptions, string> Wrong => new()
    {
        { new() { Name = "" }, "BulkheadOptions.Name is empty; it must have at least one visible character." },
        { new() { MaxConcurrent = 0 }, "BulkheadOptions.MaxConcurrent is 0; it must be from 1 to 1000000." },
        { new() { MaxQueue = -1 }, "BulkheadOptions.MaxQueue is -1; it must be from 0 to 1000000." },
        { new() { QueueTimeout = TimeSpan.Zero }, "BulkheadOptions.QueueTimeout is 0 s; it must be from 1 ms to 49 d." },
        { new() { DedicatedThreads = 0 }, "BulkheadOptions.DedicatedThreads is 0; it must be from 1 to 1024." },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void A_wrong_option_is_named(BulkheadOptions options, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidOptionsException>(() => new Bulkhead(options)).Message);
}
