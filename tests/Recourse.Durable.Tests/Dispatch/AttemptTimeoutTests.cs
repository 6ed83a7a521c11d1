namespace Recourse.Durable.Tests;

/// <summary>Attempts that take too long, with handlers that heed their token and handlers that do not.</summary>
public class AttemptTimeoutTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private static ServicePolicy Orders { get; } = DispatchRig.Orders with { MaxConcurrent = 1, Timeout = Timeout };

    [Fact]
    public async Task A_handler_that_heeds_its_token_ends_at_the_timeout()
    {
        await using var rig = new DispatchRig(Orders);
        await rig.EnqueueAsync();
        rig.Start();
        (await rig.CallAsync()).HeedToken();
        await rig.QuietAsync();
        rig.Clock.Advance(Timeout);
        var report = await rig.ReportAsync();
        Assert.Equal((FaultKind.Timeout, Applied.Maybe, Blame.Service), (report.Fault!.Kind, report.Fault.Applied, report.Fault.Blame));
        Assert.Equal(("No answer within 10 s.", 10_000L), (report.Attempt.Error, report.Attempt.DurationMs));
    }

    [Fact]
    public async Task A_handler_that_knows_that_nothing_was_sent_can_say_so()
    {
        await using var rig = new DispatchRig(Orders with { Repeatable = false });
        await rig.EnqueueAsync();
        rig.Start();
        var call = await rig.CallAsync();
        call.Token.Register(() => call.Throw(new AttemptCancelledException(Applied.No, call.Token)));
        await rig.QuietAsync();
        rig.Clock.Advance(Timeout);
        var report = await rig.ReportAsync();
        Assert.Equal((FaultKind.Timeout, Applied.No), (report.Fault!.Kind, report.Fault.Applied));
        Assert.Equal(DeliveryAction.Retry, report.Decision!.Value.Action);
    }

    [Fact]
    public async Task A_handler_that_ends_within_the_grace_still_delivers()
    {
        await using var rig = new DispatchRig(Orders);
        await rig.EnqueueAsync();
        rig.Start();
        var call = await rig.CallAsync();
        await rig.QuietAsync();
        rig.Clock.Advance(Timeout + TimeSpan.FromSeconds(1));
        Assert.True(call.Token.IsCancellationRequested);
        call.Succeed();
        Assert.Equal("delivered", (await rig.ReportAsync()).Attempt.Outcome);
    }

    [Fact]
    public async Task A_handler_that_ignores_its_token_is_abandoned_and_holds_its_permit_until_it_ends()
    {
        await using var rig = new DispatchRig(Orders);
        var ids = await rig.EnqueueManyAsync(2);
        rig.Start();
        var stuck = await rig.CallAsync();
        await rig.QuietAsync();
        rig.Clock.Advance(Timeout);
        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        var report = await rig.ReportAsync();
        Assert.Equal((FaultKind.Timeout, ids[0]), (report.Fault!.Kind, report.Delivery.Id));
        Assert.Equal(1, rig.Dispatcher.Status[0].InFlight);
        Assert.Contains(rig.Log.Lines, line => line.Id == 5);
        stuck.Forgotten();
        await rig.NoCallAsync();
        // It ends at last: its result is nobody's any more, its permit is free.
        stuck.SucceedLate();
        Assert.Equal(ids[1], (await rig.CallAsync()).Delivery.Id);
        Assert.NotEqual(DeliveryState.Delivered, (await rig.StoredAsync(ids[0])).State);
    }

    [Fact]
    public async Task An_abandoned_attempt_at_a_service_that_must_not_be_repeated_is_dead()
    {
        await using var rig = new DispatchRig(Orders with { Repeatable = false });
        var id = await rig.EnqueueAsync();
        rig.Start();
        var stuck = await rig.CallAsync();
        await rig.QuietAsync();
        rig.Clock.Advance(Timeout);
        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        await rig.ReportAsync();
        var stored = await rig.StoredAsync(id);
        Assert.Equal((DeliveryState.Dead, FaultKind.OutcomeUnknown), (stored.State, stored.Kind));
        stuck.SucceedLate();
    }
}
