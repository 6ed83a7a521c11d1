using System.Collections.Concurrent;
using System.Diagnostics;

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

    /// <summary>A store at the end of a line: a batch is under way until the test answers it, with what is left of it.</summary>
    private sealed class Line
    {
        private readonly ConcurrentQueue<(StoreCommand[] Batch, TaskCompletionSource<StoreCommand[]> Answer)> _trips = new();
        private readonly ConcurrentQueue<int> _batches = new();

        public int[] Batches => [.. _batches];

        public ValueTask<StoreCommand[]> CommitAsync(ReadOnlyMemory<StoreCommand> batch)
        {
            var answer = new TaskCompletionSource<StoreCommand[]>(TaskCreationOptions.RunContinuationsAsynchronously);
            _batches.Enqueue(batch.Length);
            _trips.Enqueue((batch.ToArray(), answer));
            return new(answer.Task);
        }

        public async Task AnswerAsync(Func<StoreCommand, bool>? leaves = null)
        {
            var (batch, answer) = await TripAsync();
            answer.SetResult(leaves is null ? [] : [.. batch.Where(leaves)]);
        }

        public async Task FailAsync(Exception error) => (await TripAsync()).Answer.SetException(error);

        private async Task<(StoreCommand[] Batch, TaskCompletionSource<StoreCommand[]> Answer)> TripAsync()
        {
            (StoreCommand[], TaskCompletionSource<StoreCommand[]>) trip = default;
            await UntilAsync(() => _trips.TryDequeue(out trip));
            return trip;
        }
    }

    [Fact]
    public async Task A_batch_that_is_committed_at_once_begins_on_the_callers_thread_and_others_gather_behind_it()
    {
        using var gate = new Gate();
        var line = new Line();
        await using var pump = new CommandPump("test", gate.Commit, atOnce: line.CommitAsync);
        var commands = Enumerable.Range(0, 5).Select(_ => Command()).ToList();
        await PassTheStartAsync(pump, line);
        foreach (var command in commands)
            await pump.AddAsync(command, Cancelled);
        Assert.Equal(1, line.Batches[^1]);
        await line.AnswerAsync();
        await commands[0].Done;
        await UntilAsync(() => line.Batches[^1] == 4);
        Assert.All(commands.Skip(1), command => Assert.False(command.Done.IsCompleted));
        await line.AnswerAsync();
        await Task.WhenAll(commands.Select(command => command.Done));
        Assert.Empty(gate.Batches);
    }

    [Fact]
    public async Task What_a_commit_at_once_leaves_goes_to_the_thread_before_what_came_meanwhile()
    {
        using var gate = new Gate();
        var line = new Line();
        await using var pump = new CommandPump("test", gate.Commit, atOnce: line.CommitAsync);
        await PassTheStartAsync(pump, line);
        var (first, left, done, later) = (Command(), Command(), Command(), Command());
        await pump.AddAsync(first, Cancelled);
        await pump.AddAsync(left, Cancelled);
        await pump.AddAsync(done, Cancelled);
        await line.AnswerAsync();
        await UntilAsync(() => line.Batches[^1] == 2);
        await pump.AddAsync(later, Cancelled);
        await line.AnswerAsync(command => command == left);
        await done.Done;
        await gate.BeganAsync();
        Assert.Equal((false, false), (left.Done.IsCompleted, later.Done.IsCompleted));
        gate.Open(2);
        await Task.WhenAll(left.Done, later.Done);
        Assert.Equal([1, 1], gate.Batches);
        // The thread is at rest again: the next is for whoever calls.
        await UntilAsync(() => pump.IsAtRest);
        var next = Command();
        await pump.AddAsync(next, Cancelled);
        await line.AnswerAsync();
        await next.Done;
        Assert.Equal(2, gate.Batches.Count);
    }

    [Fact]
    public async Task A_commit_at_once_that_fails_aborts_its_batch_and_the_pump_lives_on()
    {
        using var gate = new Gate();
        var line = new Line();
        await using var pump = new CommandPump("test", gate.Commit, atOnce: line.CommitAsync);
        await PassTheStartAsync(pump, line);
        var (lost, kept) = (Command(), Command());
        await pump.AddAsync(lost, Cancelled);
        await line.FailAsync(new InvalidOperationException("a defect"));
        Assert.Contains("a defect", (await Assert.ThrowsAsync<StoreException>(() => lost.Done)).Message, StringComparison.Ordinal);
        await UntilAsync(() => pump.IsAtRest);
        await pump.AddAsync(kept, Cancelled);
        await line.AnswerAsync();
        await kept.Done;
    }

    [Fact]
    public async Task Closing_waits_for_the_commit_at_once_and_what_gathered_behind_it()
    {
        using var gate = new Gate();
        var line = new Line();
        var pump = new CommandPump("test", gate.Commit, atOnce: line.CommitAsync);
        await PassTheStartAsync(pump, line);
        var commands = new[] { Command(), Command() };
        await pump.AddAsync(commands[0], Cancelled);
        await pump.AddAsync(commands[1], Cancelled);
        var closing = pump.DisposeAsync().AsTask();
        await line.AnswerAsync();
        await commands[0].Done;
        Assert.False(closing.IsCompleted);
        await UntilAsync(() => line.Batches.Length == 3);
        await line.AnswerAsync();
        await closing;
        await commands[1].Done;
        await Assert.ThrowsAsync<StoreException>(async () => await pump.AddAsync(Command(), Cancelled));
    }

    [Fact]
    public async Task A_commit_at_once_knows_nothing_of_whoever_began_it()
    {
        using var gate = new Gate();
        var seen = new List<(string? Value, Activity? Activity)>();
        var value = new AsyncLocal<string?>();
        await using var pump = new CommandPump("test", gate.Commit, atOnce: async _ =>
        {
            await Task.Yield();
            seen.Add((value.Value, Activity.Current));
            return [];
        });
        await UntilAsync(() => pump.IsAtRest);
        using var activity = new Activity("caller").Start();
        value.Value = "caller";
        var command = Command();
        await pump.AddAsync(command, Cancelled);
        Assert.Equal(("caller", activity), (value.Value, Activity.Current));
        await command.Done;
        Assert.Equal([(null, null)], seen);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Each_command_is_committed_once_and_no_two_batches_at_a_time(int seed)
    {
        var random = new Random(seed);
        var gate = new object();
        var (under, counts) = (0, new Dictionary<StoreCommand, int>());
        void Count(ReadOnlySpan<StoreCommand> batch, Func<StoreCommand, bool> isLeft)
        {
            foreach (var command in batch)
            {
                if (!isLeft(command))
                    counts[command] = counts.GetValueOrDefault(command) + 1;
            }
        }
        bool Chance(int percent)
        {
            lock (gate)
                return random.Next(100) < percent;
        }
        var pump = new CommandPump("test",
            (batch, errors) =>
            {
                Assert.Equal(1, Interlocked.Increment(ref under));
                Count(batch, _ => false);
                Interlocked.Decrement(ref under);
            },
            capacity: 16,
            atOnce: async batch =>
            {
                Assert.Equal(1, Interlocked.Increment(ref under));
                if (Chance(50))
                    await Task.Yield();
                var left = new HashSet<StoreCommand>();
                if (Chance(30))
                    left = [.. batch.ToArray().Where(_ => Chance(50))];
                Count(batch.Span, left.Contains);
                Interlocked.Decrement(ref under);
                return [.. left];
            });
        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var mine = new List<PruneCommand>();
            for (var i = 0; i < 2_000; i++)
            {
                mine.Add(Command());
                await pump.AddAsync(mine[^1], Cancelled);
                if (Chance(20))
                    await mine[^1].Done;
            }
            await Task.WhenAll(mine.Select(command => command.Done));
            return mine;
        })));
        await pump.DisposeAsync();
        Assert.Equal(8_000, counts.Count);
        Assert.All(all.SelectMany(mine => mine), command => Assert.Equal(1, counts[command]));
    }

    // A pump begins on its thread, which looks once and then rests.
    private static async Task PassTheStartAsync(CommandPump pump, Line line)
    {
        await UntilAsync(() => pump.IsAtRest);
        var command = Command();
        await pump.AddAsync(command, Cancelled);
        await line.AnswerAsync();
        await command.Done;
        await UntilAsync(() => pump.IsAtRest);
    }

    private static async Task UntilAsync(Func<bool> holds)
    {
        while (!holds())
        {
            Cancelled.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
