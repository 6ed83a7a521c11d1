namespace Recourse.Durable;

/// <summary>
/// Logs a store that refuses the dispatcher: every attempt under way meets the same full disk again and again, and one line in 10 s says as
/// much as all of them.
/// </summary>
internal sealed class StoreTrouble(DispatcherOptions options)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private long? _loggedAt;
    private int _since;

    /// <summary>Notes a refusal; <paramref name="what"/> could not be done and is tried again.</summary>
    internal void Report(string what, StoreException error)
    {
        int since;
        lock (_lock)
        {
            if (_loggedAt is { } last && options.Time.GetElapsedTime(last) < Pause)
            {
                _since++;
                return;
            }

            _loggedAt = options.Time.GetTimestamp();
            (since, _since) = (_since, 0);
        }

        if (since == 0) DispatchLog.StoreRefuses(options.Logger, what, error.Message);
        else DispatchLog.StoreRefusesStill(options.Logger, what, since, error.Message);
    }
}
