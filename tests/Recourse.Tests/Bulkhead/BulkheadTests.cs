namespace Recourse.Tests.Bulkheads;

public class BulkheadTests
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Gives_as_many_permits_as_it_has()
    {
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = 2 }, _clock);
        Assert.True(bulkhead.TryAcquire());
        Assert.True(bulkhead.TryAcquire());
        Assert.False(bulkhead.TryAcquire());
        bulkhead.Release();
        Assert.True(bulkhead.TryAcquire());
        Assert.Equal(1, bulkhead.Statistics.Rejected);
    }

    [Fact]
    public async Task A_call_that_waits_gets_the_permit_that_comes_free()
    {
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = 1, MaxQueue = 1 }, _clock);
        Assert.True(bulkhead.TryAcquire());
        var waiting = bulkhead.AcquireAsync(TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        Assert.Equal(1, bulkhead.Queued);
        bulkhead.Release();
        Assert.True(await waiting);
        Assert.Equal(1, bulkhead.InFlight);
        Assert.Equal(0, _clock.ArmedTimers);
    }
}
