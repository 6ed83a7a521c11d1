namespace Recourse.Durable;

/// <summary>
/// How many permits of a service may go to deliveries of replay jobs while others are due: a fifth of them at a time. With fewer than five
/// permits a fifth is less than one; then one at a time, and only for every four others. Safe for many threads.
/// </summary>
internal sealed class BulkShare
{
    private const int Part = 5;

    private readonly Lock _lock = new();
    private int _inHand;
    private int _others;

    /// <summary>The most that the next claim may take while others are due.</summary>
    public int Allowed(int permits)
    {
        lock (_lock)
        {
            if (permits >= Part)
                return Math.Max(0, (permits / Part) - _inHand);
            return _inHand == 0 && _others >= Part - 1 ? 1 : 0;
        }
    }

    /// <summary>An attempt began.</summary>
    public void Begin(bool bulk)
    {
        lock (_lock)
        {
            if (bulk)
                (_inHand, _others) = (_inHand + 1, 0);
            else if (_others < Part)
                _others++;
        }
    }

    /// <summary>A permit of a replay job's delivery is free again.</summary>
    public void End()
    {
        lock (_lock)
            _inHand--;
    }
}
