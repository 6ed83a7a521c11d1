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
        seeds: 200, length: 100, Generate, commands =>
        {
            using var pair = new Pair(max, queue);
            foreach (var command in commands)
                pair.Play(command);
        });

    private static Command Generate(Random random) => new(
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
        random.Next(1, 7));

    private sealed class Pair(int limit, int maxQueue) : IDisposable
    {
        private readonly Bulkhead _real = new(new() { MaxConcurrent = limit, MaxQueue = maxQueue }, new ManualClock());
        private readonly List<RecordingWaiter> _all = [];
        private readonly List<RecordingWaiter> _waiting = [];
        private readonly HashSet<RecordingWaiter> _granted = [];
        private int _limit = limit;
        private int _maxQueue = maxQueue;
        private int _inFlight;
        private int _rejected;
        private int _timedOut;

        private int Free => _waiting.Count > 0 ? 0 : Math.Max(0, _limit - _inFlight);

        public void Dispose() => _real.Dispose();

        internal void Play(Command command)
        {
            var number = command.Number;
            switch (command.Act)
            {
                case Act.Take:
                    _rejected += Free == 0 ? 1 : 0;
                    Took(Math.Min(1, Free), _real.TryAcquire() ? 1 : 0);
                    break;
                case Act.TakeMany:
                    Took(Math.Min(number, Free), _real.TryAcquire(number));
                    break;
                case Act.Release when _inFlight == 0:
                    Assert.Throws<InvalidOperationException>(_real.Release);
                    break;
                case Act.Release:
                    _inFlight--;
                    GrantFree();
                    _real.Release();
                    break;
                case Act.Enqueue:
                    Enqueue(new());
                    break;
                case Act.Cancel or Act.TimeOut when _all.Count > 0:
                    Leave(_all[^(1 + number % _all.Count)], command.Act == Act.TimeOut);
                    break;
                case Act.Resize:
                    _limit = number;
                    GrantFree();
                    _real.Resize(number);
                    break;
                case Act.Reload:
                    (_limit, _maxQueue) = (number, number % 3);
                    GrantFree();
                    _real.Reload(_real.Options with { MaxConcurrent = _limit, MaxQueue = _maxQueue });
                    break;
            }
            Assert.Equal(new BulkheadStatistics(_limit, _inFlight, _waiting.Count, _rejected, _timedOut), _real.Statistics);
            Assert.All(_all, waiter => Assert.Equal(_granted.Contains(waiter) ? 1 : 0, waiter.Grants));
        }

        private void Took(int expected, int taken)
        {
            Assert.Equal(expected, taken);
            _inFlight += taken;
        }

        private void Enqueue(RecordingWaiter waiter)
        {
            _all.Add(waiter);
            var expected = Free > 0 ? BulkheadAdmission.Acquired
                : _waiting.Count < _maxQueue ? BulkheadAdmission.Queued : BulkheadAdmission.Rejected;
            Assert.Equal(expected, _real.TryEnqueue(waiter));
            _inFlight += expected == BulkheadAdmission.Acquired ? 1 : 0;
            _rejected += expected == BulkheadAdmission.Rejected ? 1 : 0;
            if (expected == BulkheadAdmission.Queued)
                _waiting.Add(waiter);
        }

        private void Leave(RecordingWaiter waiter, bool timedOut)
        {
            var waits = _waiting.Remove(waiter);
            _timedOut += waits && timedOut ? 1 : 0;
            Assert.Equal(waits, timedOut ? _real.TimeOut(waiter) : _real.Cancel(waiter));
        }

        private void GrantFree()
        {
            while (_waiting.Count > 0 && _inFlight < _limit)
            {
                _inFlight++;
                _granted.Add(_waiting[0]);
                _waiting.RemoveAt(0);
            }
        }
    }
}
