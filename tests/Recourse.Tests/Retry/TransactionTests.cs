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

    private static Pipeline Pipeline() => new PipelineBuilder()
        .Retry(new RetryOptions { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.Zero), Scope = RetryScope.Transaction }).Build();

    private static RejectedException Fault(FaultKind kind) => new("scripted", FaultClassifier.Default.ForKind(kind));

    private TransactionSteps<int> Steps(int failsAtCommit = 0)
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
                if (number == failsAtCommit) throw Fault(FaultKind.DbConnectionLost);
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
