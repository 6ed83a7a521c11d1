namespace Recourse.Durable;

/// <summary>A message was not taken, because an operator drains its queue. Send it later, or elsewhere.</summary>
/// <param name="control">Who drains it, since when and why.</param>
public sealed class QueueDrainingException(Control control) : Exception(
    $"Queue '{control.Name}' takes no messages: {control.Actor} drains it since {control.Since:u}"
    + (control.Reason is { } reason ? $" ({reason})." : "."))
{
    /// <summary>Who drains it, since when and why.</summary>
    public Control Control { get; } = control;
}
