using Microsoft.Extensions.Logging;

namespace Recourse;

/// <summary>Every line that the core library logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "Pipeline {Pipeline}: the function '{Function}' threw; it counts as having no opinion")]
    internal static partial void FunctionFailed(ILogger logger, string pipeline, string function, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "Pipeline {Pipeline}: the observer '{Observer}' threw; the call is not affected")]
    internal static partial void ObserverFailed(ILogger logger, string pipeline, string observer, Exception exception);

    [LoggerMessage(3, LogLevel.Information,
        "Pipeline {Pipeline}: attempt {Attempt} of {Attempts} of '{Operation}' failed ({Kind}), retrying in {Delay}")]
    internal static partial void Retrying(ILogger logger, string pipeline, int attempt, int attempts, string? operation, FaultKind kind,
        TimeSpan delay);

    [LoggerMessage(4, LogLevel.Information, "Pipeline {Pipeline}: '{Operation}' worked at attempt {Attempt}")]
    internal static partial void RetryWorked(ILogger logger, string pipeline, string? operation, int attempt);

    [LoggerMessage(5, LogLevel.Warning, "Pipeline {Pipeline}: no further attempt of '{Operation}' after {Attempt}: {Reason} ({Kind})")]
    internal static partial void RetryStopped(ILogger logger, string pipeline, string? operation, int attempt, RetryStop reason,
        FaultKind kind);

    [LoggerMessage(6, LogLevel.Warning, "Pipeline {Pipeline}: '{Operation}' took longer than {Limit}")]
    internal static partial void TimedOut(ILogger logger, string pipeline, string? operation, TimeSpan limit);

    [LoggerMessage(7, LogLevel.Warning,
        "Pipeline {Pipeline}: '{Operation}' ignores its token and was abandoned after {Limit}; its permits are held until it ends")]
    internal static partial void Abandoned(ILogger logger, string pipeline, string? operation, TimeSpan limit);

    [LoggerMessage(8, LogLevel.Information, "Pipeline {Pipeline}: the abandoned '{Operation}' ended ({Result})")]
    internal static partial void AbandonedEnded(ILogger logger, string pipeline, string? operation, string result, Exception? exception);

    [LoggerMessage(9, LogLevel.Information, "Pipeline {Pipeline}: '{Operation}' was answered by the fallback ({Kind})")]
    internal static partial void FellBack(ILogger logger, string pipeline, string? operation, FaultKind kind);

    [LoggerMessage(10, LogLevel.Warning, "Pipeline {Pipeline}: {Warning}")]
    internal static partial void BuildWarning(ILogger logger, string pipeline, string warning);

    [LoggerMessage(11, LogLevel.Information, "Pipeline {Pipeline}: the configuration changed and was taken over")]
    internal static partial void Reloaded(ILogger logger, string pipeline);

    [LoggerMessage(13, LogLevel.Warning, "Circuit {Circuit}: {From} to {To} ({Reason})")]
    internal static partial void CircuitChanged(ILogger logger, string circuit, CircuitState from, CircuitState to, CircuitReason reason);

    [LoggerMessage(14, LogLevel.Warning, "Circuit {Circuit}: the observer 'OnTransition' threw; the circuit is not affected")]
    internal static partial void CircuitObserverFailed(ILogger logger, string circuit, Exception exception);

    [LoggerMessage(12, LogLevel.Error, "Pipeline {Pipeline}: the changed configuration cannot be used; the pipeline stays as it was")]
    internal static partial void ReloadFailed(ILogger logger, string pipeline, Exception exception);
}
