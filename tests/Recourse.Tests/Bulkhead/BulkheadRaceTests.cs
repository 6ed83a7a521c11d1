namespace Recourse.Tests.Bulkheads;

/// <summary>Grants against timeouts and cancellations: both orders, late timers, and real threads.</summary>
public class BulkheadRaceTests
{
    private static readonly BulkheadOptions One = new() { MaxConcurrent = 1, MaxQueue = 4, QueueTimeout = TimeSpan.FromSeconds(1) };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T31_Queue_timeout_against_grant_leaves_no_waiter_and_loses_no_permit(bool grantFirst)
    {
        var clock = new ManualClock();
        using var bulkhead = new Bulkhead(One, clock);
        Assert.True(bulkhead.TryAcquire());
        var waiting = bulkhead.AcquireAsync(TestContext.Current.CancellationToken);
        if (grantFirst)
            bulkhead.Release();
        clock.Advance(One.QueueTimeout);
        if (!grantFirst)
            bulkhead.Release();
        Assert.Equal(grantFirst, await waiting);
        Assert.Equal((grantFirst ? 1 : 0, 0), (bulkhead.InFlight, bulkhead.Queued));
        if (grantFirst)
            bulkhead.Release();
        Assert.True(bulkhead.TryAcquire());
    }

    [Fact]
    public async Task T31_A_timer_that_fires_after_the_grant_takes_nothing_back()
    {
        var clock = new ManualClock { FiresAfterDisposal = true };
        using var bulkhead = new Bulkhead(One, clock);
        Assert.True(bulkhead.TryAcquire());
        var waiting = bulkhead.AcquireAsync(TestContext.Current.CancellationToken);
        bulkhead.Release();
        Assert.True(await waiting);
        Assert.Equal(1, clock.FireDisposed());
        Assert.Equal((1, 0, 0L), (bulkhead.InFlight, bulkhead.Queued, bulkhead.Statistics.TimedOut));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task T31_Cancellation_against_grant(bool grantFirst)
    {
        using var bulkhead = new Bulkhead(One, new ManualClock());
        using var cancellation = new CancellationTokenSource();
        Assert.True(bulkhead.TryAcquire());
        var waiting = bulkhead.AcquireAsync(cancellation.Token);
        if (grantFirst)
            bulkhead.Release();
        await cancellation.CancelAsync();
        if (!grantFirst)
            bulkhead.Release();
        if (grantFirst)
            Assert.True(await waiting);
        else
            await Assert.ThrowsAsync<OperationCanceledException>(() => waiting.AsTask());
        Assert.Equal((grantFirst ? 1 : 0, 0), (bulkhead.InFlight, bulkhead.Queued));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void T31_Of_a_grant_and_a_cancel_exactly_one_wins(bool grantFirst)
    {
        using var bulkhead = new Bulkhead(One, new ManualClock());
        var waiter = new RecordingWaiter();
        Assert.True(bulkhead.TryAcquire());
        Assert.Equal(BulkheadAdmission.Queued, bulkhead.TryEnqueue(waiter));
        if (grantFirst)
            bulkhead.Release();
        Assert.Equal(!grantFirst, bulkhead.Cancel(waiter));
        Assert.False(bulkhead.Cancel(waiter));
        if (!grantFirst)
            bulkhead.Release();
        Assert.Equal((grantFirst ? 1 : 0, grantFirst ? 1 : 0), (waiter.Grants, bulkhead.InFlight));
    }

    [Fact]
    public void T31_A_waiter_that_leaves_from_the_middle_starves_nobody()
    {
        using var bulkhead = new Bulkhead(One, new ManualClock());
        Assert.True(bulkhead.TryAcquire());
        RecordingWaiter[] waiters = [new(), new(), new(), new()];
        Assert.All(waiters, waiter => Assert.Equal(BulkheadAdmission.Queued, bulkhead.TryEnqueue(waiter)));
        Assert.Equal(BulkheadAdmission.Rejected, bulkhead.TryEnqueue(new RecordingWaiter()));
        Assert.True(bulkhead.Cancel(waiters[1]));
        Assert.True(bulkhead.Cancel(waiters[3]));
        bulkhead.Release();
        bulkhead.Release();
        Assert.Equal([1, 0, 1, 0], waiters.Select(waiter => waiter.Grants));
        bulkhead.Release();
        Assert.Equal((0, 0), (bulkhead.InFlight, bulkhead.Queued));
    }

    [Fact]
    public void T31_Of_four_threads_that_come_together_two_run_and_two_wait_and_each_release_lets_one_in()
    {
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = 2, MaxQueue = 2 });
        var (acquired, granted) = (0, 0);
        // Phases: all have asked; those with a permit have released it to those who wait; all is given back.
        using var barrier = new Barrier(4, phases =>
        {
            var expected = (phases.CurrentPhaseNumber % 3) switch { 0 => (2, 2, 2, 0), 1 => (2, 0, 2, 2), _ => (0, 0, 2, 2) };
            Assert.Equal(expected, (bulkhead.InFlight, bulkhead.Queued, acquired, granted));
            if (phases.CurrentPhaseNumber % 3 == 2)
                (acquired, granted) = (0, 0);
        });
        RaceThreads.Run(4, thread =>
        {
            var waiter = new RecordingWaiter(_ => Interlocked.Increment(ref granted));
            for (var round = 0; round < 500; round++)
            {
                var admission = bulkhead.TryEnqueue(waiter);
                if (admission == BulkheadAdmission.Acquired)
                    Interlocked.Increment(ref acquired);
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                if (admission == BulkheadAdmission.Acquired)
                    bulkhead.Release();
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                if (admission == BulkheadAdmission.Queued)
                    bulkhead.Release();
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
            }
        });
        Assert.Equal((0, 0), (bulkhead.InFlight, bulkhead.Queued));
    }

    [Fact]
    public void T31_Threads_that_take_queue_cancel_and_resize_lose_no_permit_and_never_exceed_the_limit()
    {
        const int most = 2;
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = most, MaxQueue = 3 });
        var (running, peak, granted, cancelled) = (0, 0, 0, 0);
        void Work()
        {
            var now = Interlocked.Increment(ref running);
            for (var seen = Volatile.Read(ref peak); seen < now; seen = Volatile.Read(ref peak))
                Interlocked.CompareExchange(ref peak, now, seen);
            // The other threads come to find the permit taken.
            Thread.Yield();
            Interlocked.Decrement(ref running);
            bulkhead.Release();
        }
        RaceThreads.Run(4, thread =>
        {
            var random = new Random(thread);
            using var signal = new ManualResetEventSlim();
            var waiter = new RecordingWaiter(_ => signal.Set());
            for (var round = 0; round < 20_000; round++)
            {
                switch (random.Next(4))
                {
                    case 0:
                        for (var taken = bulkhead.TryAcquire(random.Next(1, 4)); taken > 0; taken--)
                            Work();
                        break;
                    case 1 when thread == 0:
                        bulkhead.Resize(random.Next(1, most + 1));
                        break;
                    default:
                        if (bulkhead.TryEnqueue(waiter) is var admission && admission == BulkheadAdmission.Rejected)
                            break;
                        if (admission == BulkheadAdmission.Queued && random.Next(2) == 0 && bulkhead.Cancel(waiter))
                        {
                            Interlocked.Increment(ref cancelled);
                            break;
                        }
                        if (admission == BulkheadAdmission.Queued)
                        {
                            signal.Wait(TestContext.Current.CancellationToken);
                            signal.Reset();
                            Interlocked.Increment(ref granted);
                        }
                        Work();
                        break;
                }
            }
        });
        Assert.InRange(peak, 1, most);
        Assert.Equal((0, 0), (bulkhead.InFlight, bulkhead.Queued));
        bulkhead.Resize(most);
        Assert.Equal(most, bulkhead.TryAcquire(100));
        TestContext.Current.TestOutputHelper?.WriteLine($"{granted} granted, {cancelled} cancelled");
    }

    [Fact]
    public async Task T31_Tasks_that_wait_and_are_cancelled_lose_no_permit()
    {
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = 2, MaxQueue = 1_000, QueueTimeout = Timeout.InfiniteTimeSpan });
        var (running, peak) = (0, 0);
        async Task Call(int number)
        {
            using var cancellation = new CancellationTokenSource();
            var waiting = bulkhead.AcquireAsync(cancellation.Token);
            if (number % 3 == 0)
                await cancellation.CancelAsync();
            try
            {
                Assert.True(await waiting);
            }
            catch (OperationCanceledException) when (number % 3 == 0)
            {
                return;
            }
            var now = Interlocked.Increment(ref running);
            for (var seen = Volatile.Read(ref peak); seen < now; seen = Volatile.Read(ref peak))
                Interlocked.CompareExchange(ref peak, now, seen);
            await Task.Yield();
            Interlocked.Decrement(ref running);
            bulkhead.Release();
        }
        for (var round = 0; round < 20; round++)
            await Task.WhenAll(Enumerable.Range(0, 500).Select(number => Task.Run(() => Call(number))));
        Assert.InRange(peak, 1, 2);
        Assert.Equal((0, 0), (bulkhead.InFlight, bulkhead.Queued));
    }
}
