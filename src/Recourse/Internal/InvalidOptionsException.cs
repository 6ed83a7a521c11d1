namespace Recourse;

/// <summary>
/// An option is out of range. The message names the option, the value found and what is allowed; it is thrown where the options are first
/// used (a constructor, a build, a reload), never later in a call.
/// </summary>
public sealed class InvalidOptionsException : ArgumentException
{
    /// <summary>An exception with this message.</summary>
    public InvalidOptionsException(string message) : base(message)
    {
    }

    /// <summary>An exception with this message and the error that led to it.</summary>
    public InvalidOptionsException(string message, Exception? innerException) : base(message, innerException)
    {
    }

    /// <summary>An exception without a message of its own; prefer the other constructors.</summary>
    public InvalidOptionsException()
    {
    }
}
