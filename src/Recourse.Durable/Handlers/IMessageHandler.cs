namespace Recourse.Durable;

/// <summary>
/// Handles the messages of one queue in this application. Made anew for each attempt from the application's services, in a scope of its
/// own. Returning means handled; what it throws is classified, and decides between another attempt and a dead letter. A message can come
/// more than once (after a crash, or an answer that was lost): make the effect repeatable, or ask the <see cref="Inbox"/>.
/// </summary>
/// <typeparam name="TMessage">What the body is read as.</typeparam>
public interface IMessageHandler<in TMessage>
{
    /// <summary>Handles one message.</summary>
    /// <param name="message">The message.</param>
    /// <param name="context">Which attempt this is, of what.</param>
    /// <param name="cancellationToken">Cancelled at the handler's timeout, and when the application stops and its grace is over.</param>
    ValueTask HandleAsync(TMessage message, MessageContext context, CancellationToken cancellationToken);
}

/// <summary>
/// Thrown by a handler that will never accept this message: it becomes a dead letter at once, with this reason, and nobody is asked to
/// wait.
/// </summary>
public sealed class MessageRejectedException : Exception
{
    /// <summary>Rejects the message.</summary>
    /// <param name="reason">Why, in words for the person who finds the dead letter.</param>
    /// <param name="kind">What is wrong with it: a kind that is permanent and speaks against the message. Default: it is not valid.</param>
    /// <param name="inner">What was wrong; null for nothing more.</param>
    public MessageRejectedException(string reason, FaultKind kind = FaultKind.ValidationError, Exception? inner = null)
        : base(reason, inner) => Kind = kind;

    /// <summary>What is wrong with it.</summary>
    public FaultKind Kind { get; }
}
