using Microsoft.Extensions.Logging;

namespace Recourse.Durable;

/// <summary>All that the dispatcher logs.</summary>
internal static partial class DispatchLog
{
    [LoggerMessage(1, LogLevel.Warning, "The store refuses: {What} is tried again. {Reason}")]
    internal static partial void StoreRefuses(ILogger logger, string what, string reason);

    [LoggerMessage(12, LogLevel.Warning,
        "The store still refuses: {What} is tried again, as {Others} others since the last such line. {Reason}")]
    internal static partial void StoreRefusesStill(ILogger logger, string what, int others, string reason);

    [LoggerMessage(2, LogLevel.Error,
        "The outcome '{Outcome}' of attempt {Attempt} at delivery {Delivery} could not be stored; "
        + "trying again in {Wait}. The lease is kept.")]
    internal static partial void CommitFailed(
        ILogger logger, string outcome, int attempt, DeliveryId delivery, string wait, Exception error);

    [LoggerMessage(3, LogLevel.Error,
        "The outcome '{Outcome}' of attempt {Attempt} at delivery {Delivery} was not stored before the stop: "
        + "the delivery runs again, as a suspect, after the next start.")]
    internal static partial void OutcomeGivenUp(ILogger logger, string outcome, int attempt, DeliveryId delivery);

    [LoggerMessage(4, LogLevel.Warning,
        "The lease of attempt {Attempt} at delivery {Delivery} was lost before its outcome '{Outcome}' was stored; "
        + "whoever holds it now decides.")]
    internal static partial void LeaseLost(ILogger logger, string outcome, int attempt, DeliveryId delivery);

    [LoggerMessage(5, LogLevel.Error,
        "Attempt {Attempt} at delivery {Delivery} ignores its cancelled token and was abandoned after {Duration}; "
        + "its permit stays taken until it ends.")]
    internal static partial void Abandoned(ILogger logger, int attempt, DeliveryId delivery, string duration);

    [LoggerMessage(6, LogLevel.Error, "An observer of attempts failed; the delivery is not affected.")]
    internal static partial void ObserverFailed(ILogger logger, Exception error);

    [LoggerMessage(7, LogLevel.Error, "The route of service '{Service}' met an error that it did not expect; going on in {Wait}.")]
    internal static partial void RouteFailed(ILogger logger, string service, string wait, Exception error);

    [LoggerMessage(8, LogLevel.Warning, "Service '{Service}': breaker {From} to {To}, {Reason}. Deliveries to it wait.")]
    internal static partial void BreakerOpened(ILogger logger, string service, string from, string to, string reason);

    [LoggerMessage(13, LogLevel.Information, "Service '{Service}': breaker {From} to {To}, {Reason}.")]
    internal static partial void BreakerChanged(ILogger logger, string service, string from, string to, string reason);

    [LoggerMessage(14, LogLevel.Warning, "Delivery {Delivery} of queue '{Queue}' to '{Service}' is a dead letter: {Kind}. {Decision}")]
    internal static partial void Died(ILogger logger, DeliveryId delivery, string queue, string service, string kind, string decision);

    [LoggerMessage(9, LogLevel.Warning, "Stopping: attempts that did not end within {Grace} are cancelled: {InFlight}.")]
    internal static partial void StopCancels(ILogger logger, int inFlight, string grace);

    [LoggerMessage(10, LogLevel.Error,
        "Stopped with attempts still under way: {InFlight}. They run again, as suspects, after the next start.")]
    internal static partial void StopGivesUp(ILogger logger, int inFlight);

    [LoggerMessage(11, LogLevel.Error, "The policy of queue '{Queue}' could not be had; the default policy decides.")]
    internal static partial void PolicyFailed(ILogger logger, string queue, Exception error);
}
