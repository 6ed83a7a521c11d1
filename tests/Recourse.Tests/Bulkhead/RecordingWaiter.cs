namespace Recourse.Tests.Bulkheads;

/// <summary>A waiter that notes its grant, and may do something with it.</summary>
internal sealed class RecordingWaiter(Action<RecordingWaiter>? onGranted = null) : BulkheadWaiter
{
    private int _grants;

    internal int Grants => Volatile.Read(ref _grants);

    protected override void Granted()
    {
        Interlocked.Increment(ref _grants);
        onGranted?.Invoke(this);
    }
}
