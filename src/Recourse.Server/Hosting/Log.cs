using Microsoft.Extensions.Logging;

namespace Recourse.Server;

/// <summary>All that the relay's host and API log.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path} was refused: {Reason}")]
    internal static partial void StoreRefused(ILogger logger, string method, string path, string reason);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path} failed inside.")]
    internal static partial void Unhandled(ILogger logger, string method, string path, Exception error);

    [LoggerMessage(3, LogLevel.Information,
        "Opened the store {Store}; {Suspects} deliveries were in hand when it was last closed, {Poisoned} of them are dead now as poison.")]
    internal static partial void Opened(ILogger logger, string store, int suspects, int poisoned);

    [LoggerMessage(16, LogLevel.Information, "Migrated the store from schema {From} to {To}; the file as it was before: {Backup}.")]
    internal static partial void Migrated(ILogger logger, int from, int to, string backup);

    [LoggerMessage(4, LogLevel.Information, "Stopping: intake is closed; attempts under way have {Grace} to end.")]
    internal static partial void Stopping(ILogger logger, TimeSpan grace);

    [LoggerMessage(5, LogLevel.Information, "Stopped: every lease is given back.")]
    internal static partial void Stopped(ILogger logger);

    [LoggerMessage(6, LogLevel.Information, "The configuration was read again: {Queues} queues, {Services} services.")]
    internal static partial void Reloaded(ILogger logger, int queues, int services);

    [LoggerMessage(7, LogLevel.Error, "The configuration was changed and is wrong; the old one stays. {Error}")]
    internal static partial void ReloadRefused(ILogger logger, string error);

    [LoggerMessage(8, LogLevel.Warning, "'{Key}' was changed; it counts from the next start.")]
    internal static partial void NeedsRestart(ILogger logger, string key);

    [LoggerMessage(9, LogLevel.Warning, "{Warning}")]
    internal static partial void Configured(ILogger logger, string warning);

    [LoggerMessage(10, LogLevel.Warning, "The pass over {What} failed; the next one tries again.")]
    internal static partial void PassFailed(ILogger logger, string what, Exception error);

    [LoggerMessage(11, LogLevel.Information,
        "Replayed {Replayed} dead letters by policy and discarded {Discarded} that were past their retention.")]
    internal static partial void DeadLettersKept(ILogger logger, int replayed, int discarded);

    [LoggerMessage(12, LogLevel.Warning,
        "Queue '{Queue}' is no longer configured and still holds {Held} deliveries: it takes nothing more and drains.")]
    internal static partial void Draining(ILogger logger, string queue, long held);

    [LoggerMessage(13, LogLevel.Warning, "Service '{Service}' is no longer configured; {Held} deliveries for it wait until it is.")]
    internal static partial void Orphaned(ILogger logger, string service, long held);

    [LoggerMessage(14, LogLevel.Warning, "Dead letters: {Dead} of at most {Max}. At the bound, queues answer 429.")]
    internal static partial void DeadLettersNearBound(ILogger logger, long dead, int max);

    [LoggerMessage(15, LogLevel.Warning, "The files of the configuration cannot be watched; changes count from the next start. {Reason}")]
    internal static partial void NotWatched(ILogger logger, string reason);
}
