namespace Recourse;

/// <summary>
/// Where exceptions of observers (OnTransition and the like) end up: observers never change an outcome, so what they throw is only told
/// here.
/// </summary>
internal static class ObserverErrors
{
    /// <summary>Raised on the thread of the observer, outside any lock. What a handler throws is dropped.</summary>
    internal static event Action<Exception>? Raised;

    internal static void Report(Exception exception)
    {
        Meters.ObserverFailed();
        try
        {
            Raised?.Invoke(exception);
        }
        catch (Exception)
        {
            // The sink of errors has nobody left to tell.
        }
    }
}
