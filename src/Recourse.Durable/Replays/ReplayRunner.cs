using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Recourse.Durable;

/// <summary>What an operator's verb on a replay job came to.</summary>
/// <param name="Done">True when the job was moved; false when the verb is not allowed where the job is, or there is none.</param>
/// <param name="Job">The job as it is now; null when there is none.</param>
public sealed record ReplaySteering(bool Done, ReplayJob? Job);

/// <summary>
/// Works on replay jobs: reads the next letters, asks <c>ReplayPlan</c> what to do, commits it. All that it knows stands in the store, so
/// another runner goes on where this one stopped. Several jobs take turns. It survives the store being down. Safe for many threads.
/// </summary>
public sealed class ReplayRunner : IAsyncDisposable
{
    /// <summary>The most letters that a count for a job looks at.</summary>
    private const long CountMax = 10_000_000;

    private static readonly TimeSpan CanaryPoll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly MessageStore _store;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action<string>? _notify;
    private readonly WakeSignal _wake;
    private readonly StoreAway _away;
    private readonly Dictionary<Guid, ReplayPace> _paces = [];
    private Task _loop = Task.CompletedTask;
    private volatile bool _stopping;
    private int _failures;

    /// <summary>A runner that stands still until <see cref="Start"/>.</summary>
    /// <param name="store">An open store.</param>
    /// <param name="notify">Told the services that have work after each batch (<see cref="Dispatcher.Notify(string)"/>); null tells
    /// nobody.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <param name="logger">Where troubles and ends of jobs are logged; null for nowhere.</param>
    public ReplayRunner(MessageStore store, Action<string>? notify = null, TimeProvider? time = null, ILogger? logger = null)
    {
        (_store, _notify, _time, _logger) = (store, notify, time ?? TimeProvider.System, logger ?? NullLogger.Instance);
        (_wake, _away) = (new(_time), new(_time));
    }

    /// <summary>It has nothing to do until something wakes it or the time moves. For tests.</summary>
    internal bool IsAsleep => _wake.IsAsleep;

    /// <summary>Begins to work, with the jobs that were open when the store was last used first. Call once.</summary>
    public void Start() => _loop = Task.Run(RunAsync);

    /// <summary>What a job would do: how many letters match, and the first of them.</summary>
    /// <exception cref="ArgumentException">A bound of the request is broken; the text names it.</exception>
    public async Task<ReplayPreview> PreviewAsync(ReplayRequest request, CancellationToken cancellationToken = default)
    {
        request = request.Checked();
        var letters = request.Letters(null, 10);
        var count = await _store.Queries.CountAsync(letters, Math.Min(request.Limit ?? CountMax, CountMax), cancellationToken);
        var sample = await _store.Queries.DeliveriesAsync(letters, cancellationToken);
        return new(count, [.. sample.Items.Take((int)Math.Min(count, 10))]);
    }

    /// <summary>Makes a job and begins with it; when the task ends, the job is kept.</summary>
    /// <exception cref="ArgumentException">A bound of the request is broken; the text names it.</exception>
    /// <exception cref="StoreException">The job was not kept.</exception>
    public async Task<ReplayJob> StartJobAsync(ReplayRequest request, CancellationToken cancellationToken = default)
    {
        request = request.Checked();
        var matched = await _store.Queries.CountAsync(
            request.Letters(null, 1), Math.Min(request.Limit ?? CountMax, CountMax), cancellationToken);
        var id = Guid.CreateVersion7(_time.GetUtcNow());
        await _store.CommitAsync(new StartReplayCommand(id, request, matched), CancellationToken.None);
        _wake.Set();
        return (await _store.Queries.ReplayAsync(id, CancellationToken.None))!;
    }

    /// <summary>Pauses, resumes or cancels a job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="verb">What to do.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="reason">Why; null when not said.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ReplaySteering> SteerAsync(
        Guid id, ReplayVerb verb, string actor, string? reason, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var job = await _store.Queries.ReplayAsync(id, cancellationToken);
            if (job is null || ReplayPlan.After(job.State, verb) is not { } to)
                return new(false, job);
            var why = verb is ReplayVerb.Resume ? null : AttemptRules.Act(to is ReplayState.Paused ? "paused" : "cancelled", actor, reason);
            // Another's move came between: look again. States only lead on to few others, so this ends.
            if (await _store.CommitAsync(new MoveReplayCommand(id, job.State, to, why) { Actor = actor }, CancellationToken.None))
            {
                _wake.Set();
                return new(true, await _store.Queries.ReplayAsync(id, CancellationToken.None));
            }
        }
    }

    /// <summary>Stops after the batch under way; open jobs go on with the next runner.</summary>
    public async ValueTask DisposeAsync()
    {
        _stopping = true;
        _wake.Set();
        await _loop;
    }

    private async Task RunAsync()
    {
        while (!_stopping)
        {
            TimeSpan wait;
            try
            {
                wait = await TurnAsync();
                _failures = 0;
                if (_away.Back() is { } gone)
                    ReplayLog.StoreBack(_logger, Durations.Text(gone));
            }
            catch (StoreException error)
            {
                _failures = Math.Min(_failures + 1, 1_000);
                wait = OutcomeCommit.Waits.Delay(_failures, TimeSpan.Zero, 0.5);
                if (_away.Tell())
                    ReplayLog.StoreAway(_logger, error.Message);
            }
            catch (Exception error)
            {
                _failures = Math.Min(_failures + 1, 1_000);
                wait = OutcomeCommit.Waits.Delay(_failures, TimeSpan.Zero, 0.5);
                ReplayLog.Failed(_logger, Durations.Text(wait), error);
            }
            if (wait > TimeSpan.Zero && !_stopping)
                await _wake.SleepAsync(wait);
        }
    }

    /// <summary>One step of each open job; how long until the next is due.</summary>
    private async Task<TimeSpan> TurnAsync()
    {
        // Another node works on them, at the rate that a job was given.
        if (_store.Nodes is { Housekeeping: false })
            return LookAgain;
        var jobs = await _store.Queries.ActiveReplaysAsync();
        foreach (var gone in _paces.Keys.Except(jobs.Select(job => job.Id)).ToList())
            _paces.Remove(gone);
        var wait = LookAgain;
        foreach (var job in jobs)
        {
            if (_stopping)
                break;
            var next = await StepAsync(job);
            wait = next < wait ? next : wait;
        }
        return wait;
    }

    private async Task<TimeSpan> StepAsync(ReplayJob job)
    {
        var decision = ReplayPlan.Next(job, exhausted: false);
        if (decision.Step is ReplayStep.Wait)
            return CanaryPoll;
        if (decision.Step is ReplayStep.Move)
            return await MoveAsync(job, decision);
        var letters = decision.Letters;
        var pace = PaceOf(job);
        if (pace is not null && (letters = pace.Allowed(letters)) == 0)
            return pace.Wait(decision.Letters);

        var page = await _store.Queries.DeliveriesAsync(job.Request.Letters(job.Cursor, letters));
        // What died since the job was made is not the job's: it would replay its own failures for ever.
        var batch = page.Items.Where(letter => letter.DeadAt <= job.MadeAt).ToList();
        if (batch.Count == 0 && page.Next is null)
            return await MoveAsync(job, ReplayPlan.Next(job, exhausted: true));
        var result = await _store.CommitAsync(
            new ReplayBatchCommand(job.Id, job.Cursor, page.Next ?? PageCursor.EndOfOldest, batch.ConvertAll(letter => letter.Id)));
        if (result is not null)
            pace?.Sent(result.Replayed);
        foreach (var service in batch.Select(letter => letter.Service).Distinct())
            _notify?.Invoke(service);
        return TimeSpan.Zero;
    }

    private async Task<TimeSpan> MoveAsync(ReplayJob job, ReplayDecision decision)
    {
        var moved = await _store.CommitAsync(
            new MoveReplayCommand(job.Id, job.State, decision.To, decision.Reason) { CanaryJudged = decision.CanaryJudged });
        if (moved && decision.To is ReplayState.Paused)
            ReplayLog.CanaryFailed(_logger, job.Id, decision.Reason);
        if (moved && decision.To is ReplayState.Completed)
            ReplayLog.Completed(_logger, job.Id, job.Replayed, job.Skipped);
        return TimeSpan.Zero;
    }

    private ReplayPace? PaceOf(ReplayJob job)
    {
        if (job.Request.Rate is not { } rate)
            return null;
        if (!_paces.TryGetValue(job.Id, out var pace))
            _paces.Add(job.Id, pace = new(rate, _time));
        return pace;
    }
}

/// <summary>What the runner of replay jobs logs.</summary>
internal static partial class ReplayLog
{
    [LoggerMessage(21, LogLevel.Warning, "A step of a replay job failed; trying again in {Wait}. Nothing is replayed twice by that.")]
    internal static partial void Failed(ILogger logger, string wait, Exception error);

    [LoggerMessage(39, LogLevel.Warning,
        "The store cannot be asked for replay jobs; it is tried again until it can, and told of ever more seldom. {Reason}")]
    internal static partial void StoreAway(ILogger logger, string reason);

    [LoggerMessage(40, LogLevel.Information, "The store can be asked for replay jobs again, after {Duration}.")]
    internal static partial void StoreBack(ILogger logger, string duration);

    [LoggerMessage(22, LogLevel.Warning, "Replay {Job} is paused: {Reason}.")]
    internal static partial void CanaryFailed(ILogger logger, Guid job, string? reason);

    [LoggerMessage(23, LogLevel.Information, "Replay {Job} is complete; letters sent back: {Replayed}, left alone: {Skipped}.")]
    internal static partial void Completed(ILogger logger, Guid job, long replayed, long skipped);
}
