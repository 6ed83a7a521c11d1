namespace Recourse.Server.Metrics;

/// <summary>The running values of one instrument with one set of labels.</summary>
internal sealed class Series(string labels, double[] bounds)
{
    private readonly Lock _lock = new();
    private readonly long[] _buckets = new long[bounds.Length];
    private double _value;
    private long _count;

    public string Labels { get; } = labels;

    public void Add(double value)
    {
        lock (_lock)
            _value += value;
    }

    public void Set(double value)
    {
        lock (_lock)
            (_value, _count) = (value, 1);
    }

    /// <summary>
    /// Forgets an observed value before the instrument is asked again: what is not there any more must not stay in the answer.
    /// </summary>
    public void Unset()
    {
        lock (_lock)
            _count = 0;
    }

    public void Record(double value)
    {
        lock (_lock)
        {
            _value += value;
            _count++;
            var bucket = Array.FindIndex(bounds, bound => value <= bound);
            if (bucket >= 0)
                _buckets[bucket]++;
        }
    }

    public (double Value, long Count, long[] Buckets) Read()
    {
        lock (_lock)
            return (_value, _count, [.. _buckets]);
    }
}
