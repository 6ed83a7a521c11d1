using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Recourse.Server;

/// <summary>Turns the events of the YAML parser into a tree with places. Bounded in depth and in size, aliases written out.</summary>
internal sealed class YamlFile
{
    internal const int MaxDepth = 32;
    internal const int MaxNodes = 50_000;

    private readonly Dictionary<string, YamlNode> _anchors = [];
    private readonly string _file;
    private readonly ValueExpansion _expansion;
    private readonly List<ConfigurationError> _errors;
    private readonly string[] _lines;
    private int _nodes;

    private YamlFile(string file, string text, ValueExpansion expansion, List<ConfigurationError> errors) =>
        (_file, _lines, _expansion, _errors) = (file, text.Split('\n'), expansion, errors);

    /// <summary>The map that the file consists of; null when it does not: then at least one error was added.</summary>
    public static YamlMap? Parse(string file, string text, ValueExpansion expansion, List<ConfigurationError> errors)
    {
        var reader = new YamlFile(file, text, expansion, errors);
        try
        {
            return reader.ReadDocument(new Parser(new StringReader(text)));
        }
        catch (YamlException error)
        {
            reader.Add(reader.TabIn(error) ?? error.Start, $"This is not valid YAML: {FirstSentence(error)}");
        }
        catch (Exception error) when (error is InvalidOperationException or ArgumentException or FormatException or OverflowException
                                      or IndexOutOfRangeException or KeyNotFoundException or NullReferenceException)
        {
            // The scanner meets some malformed input with an exception of its own that has no place.
            reader.Add(YamlDotNet.Core.Mark.Empty, $"This is not valid YAML: {error.Message}");
        }
        return null;
    }

    private YamlMap? ReadDocument(Parser parser)
    {
        parser.Consume<StreamStart>();
        if (!parser.TryConsume<DocumentStart>(out _))
        {
            Add(YamlDotNet.Core.Mark.Empty,
                "The file is empty. The least that a relay needs is a service with a url and a queue that delivers to it.");
            return null;
        }
        var root = ReadNode(parser, 0);
        parser.Consume<DocumentEnd>();
        if (parser.TryConsume<DocumentStart>(out var second))
        {
            Add(second.Start, "A second document begins here; a configuration is one document. Put it into a file of its own and name that "
                + "in include:.");
            return null;
        }
        switch (root)
        {
            case YamlMap map:
                return map;
            case YamlScalar { IsNull: true }:
                Add(YamlDotNet.Core.Mark.Empty,
                    "The file is empty. The least that a relay needs is a service with a url and a queue that delivers to it.");
                return null;
            case not null:
                _errors.Add(new(_file, root.Mark.Line, root.Mark.Column,
                    $"A configuration is a group of keys such as services: and queues:; found {root.Describe()}."));
                return null;
            default:
                return null;
        }
    }

    private YamlNode? ReadNode(Parser parser, int depth)
    {
        if (depth > MaxDepth)
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"Groups and lists are nested more than {MaxDepth} deep");
        if (++_nodes > MaxNodes)
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"The file holds more than {MaxNodes:N0} values");
        if (parser.TryConsume<AnchorAlias>(out var alias))
            return ReadAlias(alias);
        if (parser.Current is NodeEvent { Tag: { IsEmpty: false, IsNonSpecific: false } tag }
            && !tag.Value.StartsWith("tag:yaml.org,2002:", StringComparison.Ordinal))
            throw new YamlException(parser.Current.Start, parser.Current.End, $"The tag {tag.Value} is not used here; remove it");
        var anchor = (parser.Current as NodeEvent)?.Anchor ?? AnchorName.Empty;
        YamlNode? node = parser.TryConsume<Scalar>(out var scalar) ? ReadScalar(scalar)
            : parser.TryConsume<SequenceStart>(out var list) ? ReadList(parser, list, depth)
            : parser.TryConsume<MappingStart>(out var map) ? ReadMap(parser, map, depth)
            : throw new YamlException(parser.Current!.Start, parser.Current.End, "A value is missing here");
        // A node that names itself inside itself is unknown there: it is registered only now, when it is complete.
        if (!anchor.IsEmpty && node is not null)
            _anchors[anchor.Value] = node;
        return node;
    }

    private YamlNode? ReadAlias(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node))
        {
            Add(alias.Start, $"No anchor &{alias.Value.Value} stands before this alias.");
            return null;
        }
        // Written out, a few lines of nested aliases can be billions of nodes; the count stops them before anything walks the tree.
        _nodes = (int)Math.Min((long)_nodes + node.Size, int.MaxValue);
        if (_nodes > MaxNodes)
            throw new YamlException(alias.Start, alias.End, $"With its aliases written out the file holds more than {MaxNodes:N0} values");
        return node;
    }

    private YamlScalar ReadScalar(Scalar scalar)
    {
        var mark = MarkOf(scalar.Start);
        return new(mark, scalar.Value, _expansion.Expand(scalar.Value, mark, _errors), scalar.Style is not ScalarStyle.Plain);
    }

    private YamlList ReadList(Parser parser, SequenceStart start, int depth)
    {
        var items = new List<YamlNode>();
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            if (ReadNode(parser, depth + 1) is { } item)
                items.Add(item);
        }
        return new(MarkOf(start.Start), items);
    }

    private YamlMap ReadMap(Parser parser, MappingStart start, int depth)
    {
        var entries = new List<KeyValuePair<YamlScalar, YamlNode>>();
        var lines = new Dictionary<string, int>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (parser.Current is not Scalar scalar)
                throw new YamlException(parser.Current!.Start, parser.Current.End, "A key must be plain text");
            parser.MoveNext();
            var key = new YamlScalar(MarkOf(scalar.Start), scalar.Value, scalar.Value, true);
            var value = ReadNode(parser, depth + 1);
            if (!lines.TryAdd(key.Text, key.Mark.Line))
                _errors.Add(new(_file, key.Mark.Line, key.Mark.Column,
                    $"The key '{key.Text}' stands here twice; the first is in line {lines[key.Text]}. Remove one."));
            else if (value is not null)
                entries.Add(new(key, value));
        }
        return new(MarkOf(start.Start), entries);
    }

    private Recourse.Server.Mark MarkOf(YamlDotNet.Core.Mark mark) =>
        new(_file, Math.Max(1, (int)mark.Line), Math.Max(1, (int)mark.Column));

    // The parser puts what is missing at the end into a line after the last; an editor cannot go there.
    private void Add(YamlDotNet.Core.Mark at, string message) => _errors.Add(at.Line > _lines.Length
        ? new(_file, _lines.Length, _lines[^1].Length + 1, message.TrimEnd('.') + ".")
        : new(_file, Math.Max(1, (int)at.Line), Math.Max(1, (int)at.Column), message.TrimEnd('.') + "."));

    // For a tab the parser names the beginning of the group that it stands in, which may be the first line.
    private YamlDotNet.Core.Mark? TabIn(YamlException error)
    {
        if (!error.Message.Contains("tab as indentation", StringComparison.Ordinal)) return null;
        var line = Array.FindIndex(_lines, (int)Math.Max(0, error.Start.Line - 1), text => text.TrimStart(' ').StartsWith('\t'));
        return line < 0 ? null : new(0, line + 1, _lines[line].IndexOf('\t', StringComparison.Ordinal) + 1);
    }

    private static string FirstSentence(YamlException error) =>
        (error.InnerException?.Message ?? error.Message).ReplaceLineEndings(" ").Trim();
}
