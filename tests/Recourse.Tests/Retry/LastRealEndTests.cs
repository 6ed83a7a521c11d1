namespace Recourse.Tests;

/// <summary>What the caller gets where a further attempt was refused: the last thing that really happened.</summary>
public sealed class LastRealEndTests
{
    private static readonly RetryOptions AtOnce = new()
    {
        MaxAttempts = 5,
        Backoff = Backoff.Constant(TimeSpan.Zero),
        Repeatable = true,
        UnlimitedBudget = true,
    };

    private readonly ManualClock _clock = new();
    private readonly List<Reply> _replies = [];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failed_result_is_the_answer_when_the_circuit_refuses_the_next_attempt(bool later)
    {
        var outcome = await Breaking(1).TryExecuteAsync(Replies(later, 503));
        Assert.Same(_replies[0], outcome.Value);
        Assert.False(outcome.IsSuccess);
        Assert.Equal(FaultKind.ServiceUnavailable, outcome.Classification?.Kind);
        Assert.Null(outcome.Rejection);
        Assert.Equal([FaultKind.ServiceUnavailable, FaultKind.CircuitOpen], outcome.Attempts.Select(each => each.Classification.Kind));
        Assert.False(_replies[0].Disposed);
    }

    [Fact]
    public async Task The_throwing_and_the_synchronous_form_answer_the_same()
    {
        Assert.Equal(503, (await Breaking(1).ExecuteAsync(Replies(later: false, 503))).Status);
        var run = Replies(later: false, 503);
        Assert.Equal(503, Breaking(1).Execute(token => run(token).Result).Status);
        Assert.All(_replies, reply => Assert.False(reply.Disposed));
    }

    [Theory]
    [InlineData("exception, result")]
    [InlineData("result, exception")]
    public async Task The_newer_of_an_exception_and_a_result_wins_and_a_result_that_is_not_returned_is_disposed_of(string order)
    {
        var resultLast = order == "exception, result";
        var outcome = await Breaking(2).TryExecuteAsync(Replies(later: false, resultLast ? [0, 503] : [503, 0]));
        Assert.Equal(resultLast, outcome.HasValue);
        Assert.Equal(resultLast ? FaultKind.ServiceUnavailable : FaultKind.ConnectionRefused, outcome.Classification?.Kind);
        Assert.Equal(3, outcome.Attempts.Count);
        Assert.Equal(!resultLast, Assert.Single(_replies).Disposed);
    }

    [Fact]
    public async Task A_result_is_let_go_when_the_next_attempt_begins_and_not_before()
    {
        var seen = new List<bool>();
        var pipeline = Builder().Retry(AtOnce with { OnRetry = _ => seen.Add(_replies[^1].Disposed) }).Build();
        var run = Replies(later: false, 503, 503, 200);
        using var reply = await pipeline.ExecuteAsync(token =>
        {
            if (_replies.Count > 0) seen.Add(_replies[^1].Disposed);
            return run(token);
        });
        Assert.Equal([false, true, false, true], seen);
        Assert.Equal((200, false), (reply.Status, reply.Disposed));
    }

    [Fact]
    public async Task A_full_bulkhead_and_a_used_up_rate_limit_count_as_refusals_too()
    {
        using var bulkhead = new Bulkhead(new BulkheadOptions { MaxConcurrent = 1, MaxQueue = 0 });
        var crowded = Builder().Retry(AtOnce with { MaxAttempts = 2, OnRetry = _ => Assert.True(bulkhead.TryAcquire()) })
            .Bulkhead(bulkhead).Build();
        Assert.Equal(503, (await crowded.ExecuteAsync(Replies(later: false, 503))).Status);
        var windowed = Builder().Retry(AtOnce with { MaxAttempts = 2 })
            .RateLimit(new RateLimitOptions { Kind = RateLimitKind.FixedWindow, Permits = 1 }).Build();
        var outcome = await windowed.TryExecuteAsync(Replies(later: false, 503));
        Assert.Equal((503, FaultKind.RateLimitExceeded), (outcome.Value.Status, outcome.Attempts[^1].Classification.Kind));
    }

    [Fact]
    public async Task An_empty_budget_and_a_deadline_too_near_leave_the_result_in_place()
    {
        var budget = new RetryBudgetOptions { MinimumPerSecond = 0, Ratio = 0 };
        var poor = Builder().Retry(AtOnce with { UnlimitedBudget = false, BudgetOptions = budget }).Build();
        Assert.Equal(503, (await poor.ExecuteAsync(Replies(later: false, 503))).Status);
        var hurried = Builder().Deadline(TimeSpan.FromSeconds(1))
            .Retry(AtOnce with { Backoff = Backoff.Constant(TimeSpan.FromSeconds(2)) }).Build();
        Assert.Equal(503, (await hurried.ExecuteAsync(Replies(later: false, 503))).Status);
        Assert.All(_replies, reply => Assert.False(reply.Disposed));
    }

    [Theory]
    [InlineData(503)]
    [InlineData(0)]
    public async Task A_deadline_that_passes_in_the_queue_of_a_bulkhead_leaves_the_end_of_the_attempt_before(int first)
    {
        var patient = new BulkheadOptions { MaxConcurrent = 1, MaxQueue = 1, QueueTimeout = TimeSpan.FromMinutes(1) };
        using var bulkhead = new Bulkhead(patient, _clock);
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 2 }, _clock);
        var pipeline = Builder().Deadline(TimeSpan.FromSeconds(5))
            .Retry(AtOnce with { OnRetry = _ => Assert.True(bulkhead.TryAcquire()) }).CircuitBreaker(breaker).Bulkhead(bulkhead).Build();
        var call = pipeline.TryExecuteAsync(Replies(later: false, first));
        _clock.Advance(TimeSpan.FromSeconds(5));
        var outcome = await call;
        Assert.Equal(first == 503 ? FaultKind.ServiceUnavailable : FaultKind.ConnectionRefused, outcome.Classification?.Kind);
        Assert.Equal((first == 503, 2), (outcome.HasValue, outcome.Attempts.Count));
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    [Theory]
    [InlineData(503)]
    [InlineData(0)]
    public async Task A_limit_around_that_ends_the_wait_leaves_the_end_of_the_attempt_before(int first)
    {
        using var limit = new CancellationTokenSource();
        var stops = new List<RetryStop>();
        var pipeline = Builder().Add(new Narrow(limit.Token)).Retry(AtOnce with
        {
            Backoff = Backoff.Constant(TimeSpan.FromSeconds(1)),
            OnGivingUp = stopped => stops.Add(stopped.Reason),
        }).Build();
        var call = pipeline.TryExecuteAsync(Replies(later: false, first));
        await limit.CancelAsync();
        var outcome = await call;
        Assert.Equal(first == 503 ? FaultKind.ServiceUnavailable : FaultKind.ConnectionRefused, outcome.Classification?.Kind);
        Assert.Equal([RetryStop.Deadline], stops);
        Assert.All(_replies, reply => Assert.False(reply.Disposed));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_caller_who_leaves_gets_the_cancellation_and_the_result_is_disposed_of(bool whileWaiting)
    {
        using var caller = new CancellationTokenSource();
        var pipeline = Builder().Retry(AtOnce with { Backoff = Backoff.Constant(TimeSpan.FromSeconds(1)) }).Build();
        var run = Replies(later: false, 503);
        var call = pipeline.ExecuteAsync(token =>
        {
            if (!whileWaiting) caller.Cancel();
            return run(token);
        }, caller.Token);
        if (whileWaiting) await caller.CancelAsync();
        var left = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
        Assert.Equal(caller.Token, left.CancellationToken);
        Assert.True(Assert.Single(_replies).Disposed);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_holds_through_a_limit_that_abandons_and_through_a_fallback_that_answers_the_refusal(bool falls)
    {
        var builder = Builder().Retry(AtOnce);
        if (falls) builder.Fallback(new FallbackOptions<Reply> { Value = new Reply(1), On = [FaultKind.CircuitOpen] });
        var pipeline = builder.Timeout(new TimeoutOptions { Limit = TimeSpan.FromSeconds(1), AbandonAfter = TimeSpan.FromSeconds(1) })
            .CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 1 }).Build();
        Assert.Equal(falls ? 1 : 503, (await pipeline.ExecuteAsync(Replies(later: false, 503))).Status);
        Assert.Equal(falls, Assert.Single(_replies).Disposed);
    }

    [Fact]
    public async Task A_deadline_of_each_attempt_that_has_passed_is_a_refusal_and_no_failure_of_the_service()
    {
        var breaker = new CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = 2 }, _clock);
        var pipeline = Builder().Deadline(TimeSpan.FromSeconds(5))
            .Retry(AtOnce with { OnRetry = _ => _clock.Advance(TimeSpan.FromSeconds(5)) })
            .CircuitBreaker(breaker).Deadline(TimeSpan.FromSeconds(1)).Build();
        var outcome = await pipeline.TryExecuteAsync(Replies(later: false, 503), TestContext.Current.CancellationToken);
        Assert.Equal(503, outcome.Value.Status);
        Assert.Equal(CircuitState.Closed, breaker.State);
    }

    private PipelineBuilder Builder() => new PipelineBuilder("real", _clock).Classify(rules => rules.AddResultRule<Reply>(reply =>
        reply.Status < 500 ? null : Verdict.Failure(FaultClassifier.Default.ClassifyHttp(reply.Status))));

    private Pipeline Breaking(int threshold) =>
        Builder().Retry(AtOnce).CircuitBreaker(new CircuitBreakerOptions { FailureThreshold = threshold }).Build();

    // 0 is an exception; the last goes on for ever.
    private Func<CancellationToken, ValueTask<Reply>> Replies(bool later, params int[] statuses)
    {
        var run = 0;
        Reply Next()
        {
            var status = statuses[Math.Min(run++, statuses.Length - 1)];
            if (status == 0) throw Script.Refused();
            _replies.Add(new Reply(status));
            return _replies[^1];
        }

        return later
            ? async _ =>
            {
                await Task.Yield();
                return Next();
            }
        : _ => new ValueTask<Reply>(Next());
    }

    private sealed class Reply(int status) : IDisposable
    {
        internal int Status => status;

        internal bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }

    /// <summary>A limit of somebody else, that nobody could foresee.</summary>
    private sealed class Narrow(CancellationToken limit) : Strategy("narrow")
    {
        public override Step Enter(Call call, ref Frame frame)
        {
            call.Token = limit;
            return Step.Next;
        }

        public override Step Exit(Call call, ref Frame frame) => Step.Next;
    }
}
