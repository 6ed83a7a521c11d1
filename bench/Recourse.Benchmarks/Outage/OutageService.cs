using System.Net.Sockets;

namespace Recourse.Benchmarks.Outage;

/// <summary>What the service answered.</summary>
/// <param name="Status">200, 500 or 503.</param>
internal sealed record Reply(int Status)
{
    internal static Reply Ok { get; } = new(200);

    internal static Reply Error { get; } = new(500);

    internal static Reply Full { get; } = new(503);
}

/// <summary>
/// A service with workers and a queue, on virtual time. It counts every request that reaches it. A request whose client has stopped waiting
/// is served all the same.
/// </summary>
internal sealed class OutageService(OutageScenario scenario, TimeProvider clock, Random random)
{
    private static readonly TimeSpan Refusal = TimeSpan.FromMilliseconds(1);

    private readonly Queue<Request> _waiting = new();
    private readonly long[] _attempts = new long[(int)scenario.Stop.TotalSeconds + 120];
    private readonly long _began = clock.GetTimestamp();
    private int _busy;

    /// <summary>Requests that reached the service, by the second.</summary>
    internal ReadOnlySpan<long> Attempts => _attempts;

    internal TimeSpan Now => clock.GetElapsedTime(_began);

    private bool InTrouble => Now >= scenario.Before && Now < scenario.End;

    private int Workers => InTrouble && scenario.Trouble == Trouble.Overload ? scenario.WorkersLeft : scenario.Workers;

    internal Task<Reply> CallAsync(CancellationToken token)
    {
        _attempts[Math.Min((int)Now.TotalSeconds, _attempts.Length - 1)]++;
        var request = new Request(token);
        var trouble = InTrouble ? scenario.Trouble : (Trouble?)null;
        if (trouble == Trouble.Down) After(Refusal, () => request.Fail(new HttpRequestException("refused",
            new SocketException((int)SocketError.ConnectionRefused))));
        else if (trouble == Trouble.Silent) _ = request;
        else if (trouble == Trouble.BrownOut && random.Next(2) == 0) After(Refusal, () => request.Answer(Reply.Error));
        else if (_busy < Workers) Serve(request);
        else if (_waiting.Count < scenario.QueueMax) _waiting.Enqueue(request);
        else After(Refusal, () => request.Answer(Reply.Full));
        return request.Task;
    }

    private void Serve(Request request)
    {
        _busy++;
        After(TimeSpan.FromMilliseconds(50 + (random.NextDouble() * 100)), () =>
        {
            _busy--;
            // Before the answer, since the answer may bring the next request at once and this one was first.
            ServeWaiting();
            request.Answer(Reply.Ok);
        });
    }

    // More than one when workers have come back.
    private void ServeWaiting()
    {
        while (_busy < Workers && _waiting.TryDequeue(out var next)) Serve(next);
    }

    private void After(TimeSpan delay, Action act)
    {
        var timer = clock.CreateTimer(static act => ((Action)act!)(), act, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    private sealed class Request
    {
        // Continuations run on the thread that moves the clock: there is only one, and so the order of everything is fixed.
        private readonly TaskCompletionSource<Reply> _reply = new();
        private readonly CancellationTokenRegistration _registration;

        internal Request(CancellationToken token) =>
            _registration = token.UnsafeRegister(static (request, token) =>
                ((Request)request!)._reply.TrySetException(new OperationCanceledException(token)), this);

        internal Task<Reply> Task => _reply.Task;

        internal void Answer(Reply reply)
        {
            _registration.Dispose();
            _reply.TrySetResult(reply);
        }

        internal void Fail(Exception exception)
        {
            _registration.Dispose();
            _reply.TrySetException(exception);
        }
    }
}
