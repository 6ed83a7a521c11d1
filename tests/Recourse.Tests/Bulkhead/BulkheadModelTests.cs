namespace Recourse.Tests.Bulkheads;

/// <summary>Random sequences against a counter and a list.</summary>
public class BulkheadModelTests
{
    private enum Act { Take, TakeMany, Release, Enqueue, Cancel, TimeOut, Resize, Reload }

    private sealed record Command(Act Act, int Number)
    {
        public override string ToString() => $"{Act} {Number}";
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    public void Behaves_as_a_counter_and_a_list_do(int max, int queue) => ModelRunner.Run(
        seeds: 200,
        length: 100,
        random => new Command(
            random.Next(100) switch
            {
                < 15 => Act.Take,
                < 20 => Act.TakeMany,
                < 50 => Act.Release,
                < 80 => Act.Enqueue,
                < 88 => Act.Cancel,
                < 93 => Act.TimeOut,
                < 97 => Act.Resize,
                _ => Act.Reload,
            },
            random.Next(1, 7)),
        commands => Play(max, queue, commands));

    private static void Play(int max, int queue, IReadOnlyList<Command> commands)
    {
        using var bulkhead = new Bulkhead(new() { MaxConcurrent = max, MaxQueue = queue }, new ManualClock());
        var (limit, maxQueue, inFlight, rejected, timedOut) = (max, queue, 0, 0, 0);
        var waiting = new List<RecordingWaiter>();
        var granted = new HashSet<RecordingWaiter>();
        var all = new List<RecordingWaiter>();
        void GrantFree()
        {
            while (waiting.Count > 0 && inFlight < limit)
            {
                inFlight++;
                granted.Add(waiting[0]);
                waiting.RemoveAt(0);
            }
        }
        int Free() => waiting.Count > 0 ? 0 : Math.Max(0, limit - inFlight);
        foreach (var (act, number) in commands)
        {
            switch (act)
            {
                case Act.Take or Act.TakeMany:
                    var wanted = act == Act.Take ? 1 : number;
                    var taken = Math.Min(wanted, Free());
                    Assert.Equal(taken, act == Act.Take ? bulkhead.TryAcquire() ? 1 : 0 : bulkhead.TryAcquire(wanted));
                    inFlight += taken;
                    rejected += taken == 0 ? 1 : 0;
                    break;
                case Act.Release when inFlight == 0:
                    Assert.Throws<InvalidOperationException>(bulkhead.Release);
                    break;
                case Act.Release:
                    inFlight--;
                    GrantFree();
                    bulkhead.Release();
                    break;
                case Act.Enqueue:
                    var waiter = new RecordingWaiter();
                    all.Add(waiter);
                    var expected = Free() > 0 ? BulkheadAdmission.Acquired
                        : waiting.Count < maxQueue ? BulkheadAdmission.Queued : BulkheadAdmission.Rejected;
                    Assert.Equal(expected, bulkhead.TryEnqueue(waiter));
                    inFlight += expected == BulkheadAdmission.Acquired ? 1 : 0;
                    rejected += expected == BulkheadAdmission.Rejected ? 1 : 0;
                    if (expected == BulkheadAdmission.Queued)
                        waiting.Add(waiter);
                    break;
                case Act.Cancel or Act.TimeOut when all.Count > 0:
                    var chosen = all[^(1 + number % all.Count)];
                    var waits = waiting.Remove(chosen);
                    timedOut += waits && act == Act.TimeOut ? 1 : 0;
                    Assert.Equal(waits, act == Act.Cancel ? bulkhead.Cancel(chosen) : bulkhead.TimeOut(chosen));
                    break;
                case Act.Resize:
                    limit = number;
                    GrantFree();
                    bulkhead.Resize(number);
                    break;
                case Act.Reload:
                    (limit, maxQueue) = (number, number % 3);
                    GrantFree();
                    bulkhead.Reload(bulkhead.Options with { MaxConcurrent = limit, MaxQueue = maxQueue });
                    break;
            }
            Assert.Equal(new BulkheadStatistics(limit, inFlight, waiting.Count, rejected, timedOut), bulkhead.Statistics);
            Assert.All(all, waiter => Assert.Equal(granted.Contains(waiter) ? 1 : 0, waiter.Grants));
        }
    }
}
