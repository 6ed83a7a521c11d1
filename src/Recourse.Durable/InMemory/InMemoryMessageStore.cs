namespace Recourse.Durable;

/// <summary>
/// A store in memory, for tests and first steps. It survives nothing: when the process ends, every message is gone. It is also the
/// reference that the durable stores are compared with: one lock, every rule written out plainly. Safe for many threads; lists cost time in
/// proportion to all that it holds.
/// </summary>
public sealed class InMemoryMessageStore : MessageStore
{
    private readonly MemoryCommands _commands;
    private readonly MemoryQueries _queries;
    private readonly Lock _gate = new();
    private bool _closed;

    /// <param name="time">The clock; null for the system's.</param>
    public InMemoryMessageStore(TimeProvider? time = null)
    {
        _commands = new(time ?? TimeProvider.System);
        _queries = new(_commands, _gate);
    }

    /// <inheritdoc/>
    public override StoreQueries Queries => _queries;

    /// <inheritdoc/>
    public override Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _closed = false;
            return Task.FromResult(_commands.EndLeases(BlocksLaneWhenDead));
        }
    }

    /// <inheritdoc/>
    public override async ValueTask<TResult> CommitAsync<TResult>(
        StoreCommand<TResult> command, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (command is EnqueueCommand enqueue)
            EnqueueChecks.Prepare(enqueue);
        else
            LetterRules.Check(command);
        var plain = command is EnqueueCommand { MayBeTaken: true } arrival ? arrival : null;
        using var room = plain is null ? null : Arrivals?.Reserve(plain.Message.Services[0], 1);
        ClaimedDelivery? taken = null;
        lock (_gate)
        {
            if (_closed)
                throw CommandPump.Closed();
            _commands.Apply(command);
            if (room is not null)
                taken = _commands.TakeArrived(plain!, room.Node);
        }
        if (taken is not null)
            Begin(room!, taken, plain!);
        command.Finish();
        return await command.Done;
    }

    private static void Begin(ArrivalRoom room, ClaimedDelivery taken, EnqueueCommand command)
    {
        try
        {
            room.Begin(taken);
            command.IsTaken = true;
        }
        catch (Exception)
        {
            // It is stored all the same: a suspect when the store is opened again.
        }
    }

    /// <summary>
    /// Takes no more commands. What it holds stays readable, and a second <see cref="OpenAsync"/> goes on as after a crash.
    /// </summary>
    public override ValueTask DisposeAsync()
    {
        lock (_gate)
            _closed = true;
        return default;
    }
}
