namespace Recourse.Tests;

public class TransactionTests
{
    private readonly List<string> _log = [];

    [Fact]
    public async Task A_deadlock_rolls_back_and_the_whole_transaction_runs_again()
    {
        var result = await Pipeline().ExecuteTransactionAsync(Steps(), (number, _) =>
        {
            _log.Add($"work {number}");
            return number == 1 ? throw Fault(FaultKind.DbDeadlock) : new ValueTask<int>(number);
        });
        Assert.Equal(2, result);
        Assert.Equal(["begin 1", "work 1", "rollback 1", "end 1", "begin 2", "work 2", "commit 2", "end 2"], _log);
    }

    [Fact]
    public async Task What_was_rolled_back_is_repeated_though_its_kind_may_have_had_an_effect()
    {
        Assert.Equal(Applied.Maybe, FaultClassifier.Default.ForKind(FaultKind.DbConnectionLost).Applied);
        Assert.Equal(2, await Pipeline().ExecuteTransactionAsync(
            Steps(), (number, _) => number == 1 ? throw Fault(FaultKind.DbConnectionLost) : new ValueTask<int>(number)));
    }

    [Fact]
    public async Task A_commit_whose_fate_is_unknown_is_not_repeated_unless_the_caller_says_so()
    {
        var steps = Steps(failsAtCommit: 1);
        await Assert.ThrowsAsync<RejectedException>(async () => await Pipeline().ExecuteTransactionAsync(steps, (number, _) =>
            new ValueTask<int>(number)));
        Assert.Equal(["begin 1", "commit 1", "end 1"], _log);
        _log.Clear();
        Assert.Equal(2, await Pipeline().ExecuteTransactionAsync(
            Steps(failsAtCommit: 1), (number, _) => new ValueTask<int>(number), new RecoveryContext { Repeatable = true }));
    }

    [Theory]
    [InlineData(true, 1, "begin 1|commit 1|verify 1|end 1")]
    [InlineData(false, 2, "begin 1|commit 1|verify 1|end 1|begin 2|commit 2|end 2")]
    public async Task A_commit_whose_fate_is_unknown_is_looked_up_where_there_is_a_way(bool applied, int result, string log)
    {
        var steps = Steps(failsAtCommit: 1) with { Verify = (number, _) => Verified(number, applied) };
        Assert.Equal(result, await Pipeline().ExecuteTransactionAsync(steps, (number, _) => new ValueTask<int>(number)));
        Assert.Equal(log, string.Join('|', _log));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_cannot_be_looked_up_stays_unknown_and_is_not_repeated(bool throws)
    {
        var steps = Steps(failsAtCommit: 1) with
        {
            Verify = (_, _) => throws ? throw new InvalidOperationException("no connection") : new ValueTask<bool?>((bool?)null),
        };
        var thrown = await Assert.ThrowsAsync<RejectedException>(async () =>
            await Pipeline().ExecuteTransactionAsync(steps, (number, _) => new ValueTask<int>(number)));
        Assert.Equal(FaultKind.DbConnectionLost, thrown.Classification.Kind);
        Assert.Equal(["begin 1", "commit 1", "end 1"], _log);
    }

    [Fact]
    public async Task What_the_database_says_it_did_not_commit_is_repeated_without_a_look()
    {
        var steps = Steps(failsAtCommit: 1, FaultKind.DbSerializationFailure) with { Verify = (number, _) => Verified(number, true) };
        Assert.Equal(Applied.No, FaultClassifier.Default.ForKind(FaultKind.DbSerializationFailure).Applied);
        Assert.Equal(2, await Pipeline().ExecuteTransactionAsync(steps, (number, _) => new ValueTask<int>(number)));
        Assert.DoesNotContain("verify 1", _log);
    }

    [Fact]
    public async Task A_connection_that_cannot_be_closed_after_the_commit_takes_nothing_back()
    {
        var steps = Steps() with { End = _ => throw new InvalidOperationException("cannot close") };
        Assert.Equal(1, await Pipeline().ExecuteTransactionAsync(steps, (number, _) => new ValueTask<int>(number)));
    }

    private static Pipeline Pipeline() => new PipelineBuilder()
        .Retry(new RetryOptions { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.Zero), Scope = RetryScope.Transaction }).Build();

    private static RejectedException Fault(FaultKind kind) => new("scripted", FaultClassifier.Default.ForKind(kind));

    private ValueTask<bool?> Verified(int number, bool applied)
    {
        _log.Add($"verify {number}");
        return new ValueTask<bool?>(applied);
    }

    private TransactionSteps<int> Steps(int failsAtCommit = 0, FaultKind failure = FaultKind.DbConnectionLost)
    {
        var last = 0;
        return new TransactionSteps<int>(
            _ =>
            {
                _log.Add($"begin {++last}");
                return new ValueTask<int>(last);
            },
            async (number, _) =>
            {
                await Task.Yield();
                _log.Add($"commit {number}");
                if (number == failsAtCommit) throw Fault(failure);
            },
            async number =>
            {
                await Task.Yield();
                _log.Add($"rollback {number}");
            },
            number =>
            {
                _log.Add($"end {number}");
                return default;
            });
    }
}
