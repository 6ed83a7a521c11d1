namespace Recourse.Durable.Tests;

public sealed class CommandPumpTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static PruneCommand Command() => new(TimeSpan.Zero, 1);

    /// <summary>A store that commits only when the test says so.</summary>
    private sealed class Gate : IDisposable
    {
        private readonly SemaphoreSlim _go = new(0);
        private readonly SemaphoreSlim _began = new(0);

        public List<int> Batches { get; } = [];

        public Func<StoreCommand, Exception?> Error { get; set; } = _ => null;

        public Exception? Whole { get; set; }

        public void Commit(ReadOnlySpan<StoreCommand> batch, Span<Exception?> errors)
        {
            Batches.Add(batch.Length);
            _began.Release();
            _go.Wait();
            if (Whole is not null)
                throw Whole;
            for (var i = 0; i < batch.Length; i++)
                errors[i] = Error(batch[i]);
        }

        public Task BeganAsync() => _began.WaitAsync(Cancelled);

        public void Open(int commits = 1) => _go.Release(commits);

        public void Dispose()
        {
            _go.Dispose();
            _began.Dispose();
        }
    }

    [Fact]
    public async Task Commands_gather_while_a_commit_is_under_way()
    {
        using var gate = new Gate();
        await using var pump = new CommandPump("test", gate.Commit);
        var commands = Enumerable.Range(0, 10).Select(_ => Command()).ToList();
        await pump.AddAsync(commands[0], Cancelled);
        await gate.BeganAsync();
        foreach (var command in commands.Skip(1))
            await pump.AddAsync(command, Cancelled);
        Assert.False(commands[0].Done.IsCompleted);
        gate.Open(2);
        await Task.WhenAll(commands.Select(command => command.Done));
        Assert.Equal([1, 9], gate.Batches);
    }

    [Fact]
    public async Task A_batch_has_a_bound()
    {
        using var gate = new Gate();
        await using var pump = new CommandPump("test", gate.Commit);
        var first = Command();
        await pump.AddAsync(first, Cancelled);
        await gate.BeganAsync();
        var commands = Enumerable.Range(0, CommandPump.MaxBatch + 5).Select(_ => Command()).ToList();
        foreach (var command in commands)
            await pump.AddAsync(command, Cancelled);
        gate.Open(3);
        await Task.WhenAll(commands.Select(command => command.Done));
        Assert.Equal([1, CommandPump.MaxBatch, 5], gate.Batches);
    }

    [Fact]
    public async Task A_command_that_fails_fails_alone()
    {
        using var gate = new Gate();
        var (good, bad) = (Command(), Command());
        gate.Error = command => command == bad ? new StoreException("no", StoreProblem.Other) : null;
        await using var pump = new CommandPump("test", gate.Commit);
        await pump.AddAsync(good, Cancelled);
        await pump.AddAsync(bad, Cancelled);
        gate.Open(2);
        await good.Done;
        Assert.Equal("no", (await Assert.ThrowsAsync<StoreException>(() => bad.Done)).Message);
    }

    [Fact]
    public async Task A_batch_that_fails_aborts_all_of_it_and_the_pump_lives_on()
    {
        using var gate = new Gate { Whole = new StoreException("full", StoreProblem.DiskFull) };
        await using var pump = new CommandPump("test", gate.Commit);
        var lost = Command();
        await pump.AddAsync(lost, Cancelled);
        gate.Open();
        Assert.Equal(StoreProblem.DiskFull, (await Assert.ThrowsAsync<StoreException>(() => lost.Done)).Problem);

        gate.Whole = new InvalidOperationException("a defect");
        lost = Command();
        await pump.AddAsync(lost, Cancelled);
        gate.Open();
        Assert.Contains("a defect", (await Assert.ThrowsAsync<StoreException>(() => lost.Done)).Message);

        gate.Whole = null;
        var kept = Command();
        await pump.AddAsync(kept, Cancelled);
        gate.Open();
        await kept.Done;
    }

    [Fact]
    public async Task A_full_pump_makes_callers_wait_and_then_refuses()
    {
        using var gate = new Gate();
        await using var pump = new CommandPump("test", gate.Commit, capacity: 2);
        await pump.AddAsync(Command(), Cancelled);
        await gate.BeganAsync();
        await pump.AddAsync(Command(), Cancelled);
        await pump.AddAsync(Command(), Cancelled);
        var waiting = new[] { Command(), Command() };
        var adding = waiting.Select(command => pump.AddAsync(command, Cancelled).AsTask()).ToList();
        Assert.All(adding, task => Assert.False(task.IsCompleted));
        var refusal = await Assert.ThrowsAsync<StoreException>(async () => await pump.AddAsync(Command(), Cancelled));
        Assert.Equal(StoreProblem.Busy, refusal.Problem);
        gate.Open(5);
        await Task.WhenAll(adding);
        await Task.WhenAll(waiting.Select(command => command.Done));
    }

    [Fact]
    public async Task Waiting_for_room_can_be_cancelled()
    {
        using var gate = new Gate();
        await using var pump = new CommandPump("test", gate.Commit, capacity: 1);
        await pump.AddAsync(Command(), Cancelled);
        await gate.BeganAsync();
        await pump.AddAsync(Command(), Cancelled);
        using var cancel = new CancellationTokenSource();
        var adding = pump.AddAsync(Command(), cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => adding);
        gate.Open(9);
    }

    [Fact]
    public async Task Closing_commits_what_was_handed_over_and_refuses_the_rest()
    {
        using var gate = new Gate();
        var pump = new CommandPump("test", gate.Commit);
        var commands = new[] { Command(), Command() };
        await pump.AddAsync(commands[0], Cancelled);
        await gate.BeganAsync();
        await pump.AddAsync(commands[1], Cancelled);
        var closing = pump.DisposeAsync().AsTask();
        Assert.False(closing.IsCompleted);
        gate.Open(2);
        await closing;
        await Task.WhenAll(commands.Select(command => command.Done));
        var refusal = await Assert.ThrowsAsync<StoreException>(async () => await pump.AddAsync(Command(), Cancelled));
        Assert.Equal(StoreProblem.Unavailable, refusal.Problem);
    }

    [Fact]
    public async Task Housekeeping_that_throws_does_not_end_the_pump()
    {
        using var gate = new Gate();
        await using var pump = new CommandPump("test", gate.Commit, idle: () => throw new InvalidOperationException());
        var command = Command();
        await pump.AddAsync(command, Cancelled);
        gate.Open();
        await command.Done;
    }
}
