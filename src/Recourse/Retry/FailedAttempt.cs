namespace Recourse;

/// <summary>One attempt that failed.</summary>
/// <param name="Number">Which attempt it was, from 1.</param>
/// <param name="Classification">What the failure was.</param>
/// <param name="Exception">The exception; null when a result was judged a failure or a strategy refused the attempt.</param>
/// <param name="Delay">The wait before the next attempt; null when there was none.</param>
public readonly record struct FailedAttempt(int Number, Classification Classification, Exception? Exception, TimeSpan? Delay);
