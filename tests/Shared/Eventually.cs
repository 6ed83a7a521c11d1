namespace Recourse.Tests;

/// <summary>Waits for what other processes do, which no signal of this one can tell: asks again and again until a deadline.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Asks until <paramref name="look"/> answers with something else than null. Fails at the deadline with <paramref name="what"/> was
    /// waited for.
    /// </summary>
    public static async Task<T> SeesAsync<T>(string what, TimeSpan deadline, Func<CancellationToken, Task<T?>> look) where T : class
    {
        var clock = TimeProvider.System;
        using var end = new CancellationTokenSource(deadline, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(end.Token, TestContext.Current.CancellationToken);
        using var timer = new PeriodicTimer(Poll, clock);
        try
        {
            while (true)
            {
                if (await look(both.Token) is { } seen) return seen;
                await timer.WaitForNextTickAsync(both.Token);
            }
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            throw new Xunit.Sdk.XunitException($"Not within {deadline.TotalSeconds:0} s: {what}");
        }
    }

    /// <summary>Asks until <paramref name="condition"/> holds.</summary>
    public static Task HoldsAsync(string what, TimeSpan deadline, Func<CancellationToken, Task<bool>> condition) =>
        SeesAsync(what, deadline, async token => await condition(token) ? "" : null);
}
