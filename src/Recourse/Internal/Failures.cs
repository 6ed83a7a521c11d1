namespace Recourse;

/// <summary>Takes the exception out of a failed task without throwing it, which would cost some microseconds.</summary>
internal static class Failures
{
    internal static Exception Of<T>(ValueTask<T> failed)
    {
        var task = failed.AsTask();
        if (Faulted(task) is { } exception) return exception;
        // A cancelled task gives its own exception, with its cause, only to those who await it.
        try
        {
            _ = new ValueTask<T>(task).Result;
        }
        catch (Exception cancelled)
        {
            return cancelled;
        }

        return new InvalidOperationException("A task that was neither completed nor failed was given for judgement.");
    }

    internal static Exception Of(ValueTask failed)
    {
        var task = failed.AsTask();
        if (Faulted(task) is { } exception) return exception;
        try
        {
            new ValueTask(task).GetAwaiter().GetResult();
        }
        catch (Exception cancelled)
        {
            return cancelled;
        }

        return new InvalidOperationException("A task that was neither completed nor failed was given for judgement.");
    }

    private static Exception? Faulted(Task task) => task.IsFaulted ? task.Exception!.InnerExceptions[0] : null;
}
