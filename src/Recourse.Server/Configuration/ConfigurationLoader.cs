using System.Text;

namespace Recourse.Server;

/// <summary>Reads a file and what it includes, checks all of it, and binds it.</summary>
internal sealed class ConfigurationLoader(Func<string, string?> environment)
{
    private const int MaxBytes = 1 << 20;
    private const int MaxFiles = 32;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<ConfigurationError> _errors = [];
    private readonly List<ConfigurationError> _warnings = [];
    private readonly List<string> _files = [];

    public ConfigurationResult Load(string file)
    {
        var top = new Mark(file, 1, 1);
        return Finish(Read(file, top) is { } text ? Tree(file, text) : null);
    }

    public ConfigurationResult Parse(string text, string file)
    {
        _files.Add(Path.GetFullPath(file));
        return Finish(Tree(file, text));
    }

    private ConfigurationResult Finish(YamlMap? tree)
    {
        RelayConfiguration? configuration = null;
        if (tree is not null)
        {
            var unread = _errors.Count;
            var values = new GroupReader(_errors).Read(ConfigurationKeys.Root, tree);
            configuration = new ConfigurationBinder(_errors, _warnings).Bind(values) with { Files = _files };
            DropConsequences(unread);
        }
        // What is probably not meant is told when the rest is right: much of it follows from errors.
        return _errors.Count == 0 ? new(configuration, [], InOrder(_warnings), _files) : new(null, InOrder(_errors), [], _files);
    }

    /// <summary>A value that could not be read is wrong in one way, whatever it would have been checked for.</summary>
    private void DropConsequences(int unread)
    {
        var places = _errors.Take(unread).Select(error => (error.File, error.Line, error.Column)).ToHashSet();
        for (var at = _errors.Count - 1; at >= unread; at--)
        {
            if (places.Contains((_errors[at].File, _errors[at].Line, _errors[at].Column)))
                _errors.RemoveAt(at);
        }
    }

    private List<ConfigurationError> InOrder(List<ConfigurationError> found) =>
        [.. found.Distinct().OrderBy(error => _files.IndexOf(Path.GetFullPath(error.File)))
            .ThenBy(error => error.Line).ThenBy(error => error.Column)];

    private YamlMap? Tree(string file, string text)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var tree = YamlFile.Parse(file, text, new ValueExpansion(folder, environment), _errors);
        if (tree?.Find("include") is not { } include)
            return tree;
        foreach (var item in (include is YamlList list ? list.Items : [include]).OfType<YamlScalar>().Where(item => item.Text.Length > 0))
        {
            // Shown the way the including file was named, so that the place can be clicked; opened wherever the process stands.
            var name = Path.IsPathRooted(item.Text) ? item.Text : Path.Combine(Path.GetDirectoryName(file) ?? "", item.Text);
            if (Read(name, item.Mark) is { } included && Tree(name, included) is { } under)
                tree = tree.Over(Without(under, "include"));
        }
        return tree;
    }

    private static YamlMap Without(YamlMap map, string key) => new(map.Mark, [.. map.Entries.Where(entry => entry.Key.Text != key)]);

    private string? Read(string file, Mark from)
    {
        string problem;
        try
        {
            var path = Path.GetFullPath(file);
            if (_files.Contains(path))
                problem = $"The file {file} is included more than once (by itself, or on two ways). Include it in one place.";
            else if (_files.Count >= MaxFiles)
                problem = $"More than {MaxFiles} files are included.";
            else if (Directory.Exists(path))
                problem = $"{file} is a folder; name a file.";
            else if (!File.Exists(path))
                problem = $"The file {file} does not exist.";
            else if (new FileInfo(path).Length > MaxBytes)
                problem = $"The file {file} has {new FileInfo(path).Length:N0} bytes; a configuration may have {MaxBytes:N0}.";
            else
            {
                _files.Add(path);
                return Utf8.GetString(File.ReadAllBytes(path)).TrimStart('\uFEFF');
            }
        }
        catch (DecoderFallbackException error)
        {
            problem = $"The file {file} is not UTF-8 text (byte {error.Index:N0}).";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            problem = $"The file {file} cannot be read: {FileTrouble.Words(error)}.";
        }
        _errors.Add(new(from.File, from.Line, from.Column, problem));
        return null;
    }
}

public sealed partial record RelayConfiguration
{
    /// <summary>Reads a file with everything it includes. Never throws for what the files hold: all errors are in the result.</summary>
    /// <param name="file">The YAML file; relative to the current folder.</param>
    /// <param name="environment">Where <c>${NAME}</c> is looked up; null takes the environment of the process.</param>
    public static ConfigurationResult Load(string file, Func<string, string?>? environment = null) =>
        new ConfigurationLoader(environment ?? Environment.GetEnvironmentVariable).Load(file);

    /// <summary>Reads a configuration from text, as if it stood in <paramref name="file"/> (relative paths are relative to that).</summary>
    public static ConfigurationResult Parse(string text, string file = "recourse.yaml", Func<string, string?>? environment = null) =>
        new ConfigurationLoader(environment ?? Environment.GetEnvironmentVariable).Parse(text, file);
}
