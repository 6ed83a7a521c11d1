namespace Recourse.Server;

/// <summary>One thing that is wrong in a configuration, and where.</summary>
/// <param name="File">The file, as it was named.</param>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1.</param>
/// <param name="Message">What was found and what is allowed.</param>
public sealed record ConfigurationError(string File, int Line, int Column, string Message)
{
    /// <summary>The form that editors and terminals turn into a link: <c>file:line:column: message</c>.</summary>
    public override string ToString() => $"{File}:{Line}:{Column}: {Message}";
}

/// <summary>
/// What loading a configuration came to: either a configuration that is right as a whole, or everything that is wrong with it.
/// </summary>
/// <param name="Configuration">The configuration; null when there is any error.</param>
/// <param name="Errors">All errors, in the order of the files and lines.</param>
/// <param name="Warnings">What is allowed but probably not meant.</param>
/// <param name="Files">Every file that was read: the first is the one that was named, the others came by <c>include:</c>.</param>
public sealed record ConfigurationResult(
    RelayConfiguration? Configuration,
    IReadOnlyList<ConfigurationError> Errors,
    IReadOnlyList<ConfigurationError> Warnings,
    IReadOnlyList<string> Files);
