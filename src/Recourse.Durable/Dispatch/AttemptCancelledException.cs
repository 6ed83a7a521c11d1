namespace Recourse.Durable;

/// <summary>
/// Thrown by a <see cref="DeliveryHandler"/> whose token was cancelled and that knows whether anything was sent by then. An ordinary
/// <see cref="OperationCanceledException"/> counts as: the effect may have happened.
/// </summary>
public sealed class AttemptCancelledException(Applied applied, CancellationToken token, Exception? inner = null)
    : OperationCanceledException("The attempt was cancelled.", inner, token)
{
    /// <summary>Whether the effect may have happened.</summary>
    public Applied Applied { get; } = applied;
}
