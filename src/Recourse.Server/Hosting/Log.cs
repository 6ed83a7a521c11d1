using Microsoft.Extensions.Logging;

namespace Recourse.Server;

/// <summary>All that the relay's host and API log.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "{Method} {Path} could not be answered: {Reason} Such requests are logged once in 10 s at most.")]
    internal static partial void StoreRefused(ILogger logger, string method, string path, string reason);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path} failed inside.")]
    internal static partial void Unhandled(ILogger logger, string method, string path, Exception error);

    [LoggerMessage(3, LogLevel.Information, "Opened the store {Store}.")]
    internal static partial void Opened(ILogger logger, string store);

    [LoggerMessage(18, LogLevel.Warning,
        "Opened the store {Store}; deliveries in hand when the last process ended: {Suspects}. They run alone; dead now as poison: "
        + "{Poisoned}.")]
    internal static partial void OpenedAfterCrash(ILogger logger, string store, int suspects, int poisoned);

    [LoggerMessage(20, LogLevel.Information, "Migrated the store from schema {From} to {To}; the file as it was before: {Backup}.")]
    internal static partial void Migrated(ILogger logger, int from, int to, string backup);

    [LoggerMessage(4, LogLevel.Information,
        "Stopping: new messages are answered with 503; attempts under way have {Grace} to end.")]
    internal static partial void Stopping(ILogger logger, string grace);

    [LoggerMessage(5, LogLevel.Information, "Stopped: every lease is given back.")]
    internal static partial void Stopped(ILogger logger);

    [LoggerMessage(6, LogLevel.Information, "The configuration was read again; queues: {Queues}, services: {Services}.")]
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
        "Dead letters replayed by policy: {Replayed}; discarded because they were past their retention: {Discarded}.")]
    internal static partial void DeadLettersKept(ILogger logger, int replayed, int discarded);

    [LoggerMessage(12, LogLevel.Warning,
        "Queue '{Queue}' is no longer configured: it takes nothing more and drains. Deliveries in it: {Held}.")]
    internal static partial void Draining(ILogger logger, string queue, long held);

    [LoggerMessage(13, LogLevel.Warning,
        "Service '{Service}' is no longer configured; what is for it waits until it is. Deliveries: {Held}.")]
    internal static partial void Orphaned(ILogger logger, string service, long held);

    [LoggerMessage(29, LogLevel.Error, "Dead letters: {Dead} of at most {Max}. Queues answer 429 until some are replayed or discarded.")]
    internal static partial void DeadLettersFull(ILogger logger, long dead, int max);

    [LoggerMessage(30, LogLevel.Information, "Dead letters: {Dead} of at most {Max}; the bound is far again.")]
    internal static partial void DeadLettersFarFromBound(ILogger logger, long dead, int max);

    [LoggerMessage(14, LogLevel.Warning, "Dead letters: {Dead} of at most {Max}. At the bound, queues answer 429.")]
    internal static partial void DeadLettersNearBound(ILogger logger, long dead, int max);

    [LoggerMessage(15, LogLevel.Warning, "The files of the configuration cannot be watched; changes count from the next start. {Reason}")]
    internal static partial void NotWatched(ILogger logger, string reason);

    [LoggerMessage(16, LogLevel.Error, "The store takes nothing new, messages are refused with 503: {Reason}")]
    internal static partial void StoreInTrouble(ILogger logger, string reason);

    [LoggerMessage(17, LogLevel.Information, "The store takes messages again, after {Duration} and {Refused}.")]
    internal static partial void StoreWell(ILogger logger, string duration, string refused);

    [LoggerMessage(19, LogLevel.Warning, "The pass over {What} was put off: {Reason} The next one tries again.")]
    internal static partial void PassPutOff(ILogger logger, string what, string reason);

    [LoggerMessage(36, LogLevel.Warning,
        "The store cannot be reached, so nothing is pruned, expired or archived until it can; it is tried every 15 s. {Reason}")]
    internal static partial void HouseNotKept(ILogger logger, string reason);

    [LoggerMessage(37, LogLevel.Information, "The store can be reached again, after {Duration}; what was put off is done now.")]
    internal static partial void HouseKeptAgain(ILogger logger, string duration);

    [LoggerMessage(24, LogLevel.Information, "Keys in use: {Keys}. Every call needs one.")]
    internal static partial void KeysInUse(ILogger logger, int keys);

    [LoggerMessage(25, LogLevel.Information,
        "No key was made yet: whoever works on this machine may do everything. `recourse keys add --role admin` locks the door.")]
    internal static partial void OpenOnLoopback(ILogger logger);

    [LoggerMessage(26, LogLevel.Warning,
        "No key was made yet and insecure is true: whoever reaches the relay over the network may do everything.")]
    internal static partial void OpenToEverybody(ILogger logger);

    [LoggerMessage(27, LogLevel.Warning,
        "{Method} {Path} from {Address} was refused: {Reason}. Such requests are logged once in 10 s at most.")]
    internal static partial void Denied(ILogger logger, string method, string path, string address, string reason);

    [LoggerMessage(28, LogLevel.Error, "The changed certificate {File} cannot be used; the old one stays. {Reason}")]
    internal static partial void CertificateKept(ILogger logger, string file, string reason);

    [LoggerMessage(38, LogLevel.Warning, "{Sentence}")]
    internal static partial void CertificateOutOfDate(ILogger logger, string sentence);
}
