namespace Recourse.Durable.Tests;

/// <summary>The state machine of replay jobs, against every sequence that matters and many drawn ones.</summary>
public class ReplayPlanTests
{
    private static readonly ReplayJob Job = new()
    {
        Id = Guid.CreateVersion7(),
        Request = new() { Filter = new() { Queue = "orders" }, Actor = "ann" },
        State = ReplayState.Running,
        MadeAt = DateTimeOffset.UnixEpoch,
        Matched = 100,
    };

    [Theory]
    [InlineData(ReplayState.Running, ReplayVerb.Pause, ReplayState.Paused)]
    [InlineData(ReplayState.Canary, ReplayVerb.Pause, ReplayState.Paused)]
    [InlineData(ReplayState.Paused, ReplayVerb.Pause, null)]
    [InlineData(ReplayState.Paused, ReplayVerb.Resume, ReplayState.Running)]
    [InlineData(ReplayState.Running, ReplayVerb.Resume, null)]
    [InlineData(ReplayState.Canary, ReplayVerb.Resume, null)]
    [InlineData(ReplayState.Running, ReplayVerb.Cancel, ReplayState.Cancelled)]
    [InlineData(ReplayState.Canary, ReplayVerb.Cancel, ReplayState.Cancelled)]
    [InlineData(ReplayState.Paused, ReplayVerb.Cancel, ReplayState.Cancelled)]
    [InlineData(ReplayState.Completed, ReplayVerb.Cancel, null)]
    [InlineData(ReplayState.Cancelled, ReplayVerb.Resume, null)]
    [InlineData(ReplayState.Completed, ReplayVerb.Resume, null)]
    public void A_verb_leads_where_the_table_says_or_is_refused(ReplayState from, ReplayVerb verb, ReplayState? to) =>
        Assert.Equal(to, ReplayPlan.After(from, verb));

    [Fact]
    public void A_canary_that_can_no_longer_pass_pauses_before_all_of_it_has_ended()
    {
        var request = Job.Request with { Canary = 10, CanaryShare = 0.8 };
        var waits = Job with { Request = request, State = ReplayState.Canary, Replayed = 10, Delivered = 1, DeadAgain = 2 };
        Assert.Equal(ReplayStep.Wait, ReplayPlan.Next(waits, false).Step);
        var lost = ReplayPlan.Next(waits with { DeadAgain = 3 }, false);
        Assert.Equal((ReplayStep.Move, ReplayState.Paused, true), (lost.Step, lost.To, lost.CanaryJudged));
        Assert.Contains("3 of the first 10 died again", lost.Reason);
        var good = ReplayPlan.Next(waits with { Delivered = 8 }, false);
        Assert.Equal((ReplayState.Running, true), (good.To, good.CanaryJudged));
    }

    [Fact]
    public void A_job_sends_no_more_than_its_batch_its_limit_and_its_canary_allow()
    {
        ReplayDecision Next(ReplayRequest request, long replayed) =>
            ReplayPlan.Next(Job with { Request = request, Replayed = replayed }, false);
        Assert.Equal(500, Next(Job.Request, 0).Letters);
        Assert.Equal(7, Next(Job.Request with { BatchSize = 7 }, 0).Letters);
        Assert.Equal(3, Next(Job.Request with { Limit = 10 }, 7).Letters);
        Assert.Equal(ReplayState.Completed, Next(Job.Request with { Limit = 10 }, 10).To);
        Assert.Equal(2, Next(Job.Request with { Canary = 5 }, 3).Letters);
        Assert.Equal(ReplayState.Canary, Next(Job.Request with { Canary = 5 }, 5).To);
    }

    [Fact]
    public void Drawn_lives_of_jobs_keep_every_promise()
    {
        for (var seed = 0; seed < 3_000; seed++)
            Live(seed);
    }

    // A model of the store and of services, with operators who interfere; every few steps the promises are checked.
    private static void Live(int seed)
    {
        var random = new Random(seed);
        var letters = random.Next(60);
        var good = random.NextDouble();
        var job = Job with
        {
            Request = Job.Request with
            {
                Canary = random.Next(3) == 0 ? 0 : random.Next(1, 20),
                CanaryShare = random.Next(1, 11) / 10.0,
                Limit = random.Next(2) == 0 ? null : random.Next(1, 80),
                BatchSize = random.Next(1, 30),
            },
        };
        var left = letters;
        for (var step = 0; step < 2_000 && job.State is not (ReplayState.Completed or ReplayState.Cancelled); step++)
        {
            if (random.Next(40) == 0 && ReplayPlan.After(job.State, (ReplayVerb)random.Next(2)) is { } to)
                job = job with { State = to };
            else if (job.State is ReplayState.Paused && random.Next(5) == 0)
                job = job with { State = ReplayPlan.After(job.State, ReplayVerb.Resume)!.Value };
            else if (job.Pending > 0 && random.Next(3) == 0)
                job = random.NextDouble() < good ? job with { Delivered = job.Delivered + 1 } : job with { DeadAgain = job.DeadAgain + 1 };
            else
                (job, left) = Step(job, left, seed);
            Assert.True(job.Replayed <= letters && job.Replayed <= (job.Request.Limit ?? letters), $"seed {seed}: too many were sent");
            Assert.True(job.CanaryJudged || job.Request.Canary == 0 || job.Replayed <= job.Request.Canary,
                $"seed {seed}: the canary was not awaited");
        }
        Assert.True(job.State is ReplayState.Completed, $"seed {seed}: the job never ended, it is {job.State}");
        Assert.Equal(Math.Min(letters, job.Request.Limit ?? letters), job.Replayed);
    }

    private static (ReplayJob Job, int Left) Step(ReplayJob job, int left, int seed)
    {
        var decision = ReplayPlan.Next(job, exhausted: left == 0);
        switch (decision.Step)
        {
            case ReplayStep.Send:
                Assert.True(decision.Letters > 0, $"seed {seed}: a batch of nothing");
                var sent = Math.Min(decision.Letters, left);
                return (job with { Replayed = job.Replayed + sent }, left - sent);
            case ReplayStep.Move:
                Assert.NotEqual(job.State, decision.To);
                return (job with { State = decision.To, CanaryJudged = job.CanaryJudged || decision.CanaryJudged }, left);
            default:
                return (job, left);
        }
    }
}
