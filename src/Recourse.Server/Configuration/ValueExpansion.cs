using System.Text;

namespace Recourse.Server;

/// <summary>
/// Replaces <c>${NAME}</c> by an environment variable and <c>${file:path}</c> by the text of a file; <c>$${</c> stands for <c>${</c>.
/// </summary>
internal sealed class ValueExpansion(string folder, Func<string, string?> environment)
{
    private const int MaxSecretBytes = 64 * 1024;

    public string Expand(string text, Mark mark, List<ConfigurationError> errors)
    {
        var at = text.IndexOf("${", StringComparison.Ordinal);
        if (at < 0)
            return text;
        var result = new StringBuilder();
        var from = 0;
        for (; at >= 0; at = text.IndexOf("${", from, StringComparison.Ordinal))
        {
            if (at > from && text[at - 1] == '$')
            {
                result.Append(text, from, at - from).Append('{');
                from = at + 2;
                continue;
            }
            var end = text.IndexOf('}', at);
            if (end < 0)
            {
                errors.Add(new(mark.File, mark.Line, mark.Column,
                    "A ${ has no closing }. Write ${NAME} or ${file:path}, or $${ for the characters themselves."));
                return text;
            }
            result.Append(text, from, at - from).Append(Value(text[(at + 2)..end], mark, errors));
            from = end + 1;
        }
        return result.Append(text, from, text.Length - from).ToString();
    }

    private string Value(string name, Mark mark, List<ConfigurationError> errors)
    {
        string problem;
        if (name.StartsWith("file:", StringComparison.Ordinal))
        {
            if (TryReadFile(name[5..], out var value, out problem))
                return value;
        }
        else if (name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_'))
            problem = $"${{{name}}} names no environment variable. Write ${{NAME}} with letters, digits and _, or ${{file:path}}.";
        else if (environment(name) is { } value)
            return value;
        else
            problem = $"The environment variable {name} is not set.";
        errors.Add(new(mark.File, mark.Line, mark.Column, problem));
        return "";
    }

    private bool TryReadFile(string path, out string value, out string problem)
    {
        value = problem = "";
        try
        {
            var file = new FileInfo(Path.Combine(folder, path));
            if (file.Exists && file.Length > MaxSecretBytes)
                problem = $"The file {path} has {file.Length:N0} bytes; a value may have {MaxSecretBytes:N0}.";
            else
                value = File.ReadAllText(file.FullName).TrimEnd('\r', '\n');
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problem = $"The file {path} of ${{file:…}} cannot be read: {FileTrouble.Words(error)}.";
        }
        return problem.Length == 0;
    }
}
