using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Recourse.Server.Redaction;

/// <summary>Masks what stands at configured places of a JSON body, and puts back into an edited one what its mask stands for.</summary>
internal sealed class JsonMask(IReadOnlyList<JsonPath> paths)
{
    private static readonly JsonWriterOptions AsWritten = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly IReadOnlySet<int> Start = new HashSet<int> { 0 };

    private IReadOnlySet<int>[] Root => [.. paths.Select(_ => Start)];

    /// <summary>
    /// The body with masks; null when nothing in it is to be masked. A name that stands twice in one object is masked twice.
    /// </summary>
    /// <returns>False when it cannot be read by place: it is no JSON, or a string in it is no text.</returns>
    public bool TryMask(ReadOnlyMemory<byte> body, out byte[]? masked) =>
        TryWalk(body, new Walk(this, restoring: false, null), out masked);

    /// <summary>
    /// An edited body in which each mask is what stands there in the stored one; null when it has no mask. Below an array a mask is put
    /// back only where all else of the entry is as it was: entries have no names, so another may have come into its place.
    /// </summary>
    /// <returns>False when it cannot be read by place.</returns>
    /// <exception cref="ArgumentException">A mask cannot be put back, or stands where nothing is masked.</exception>
    public bool TryRestore(ReadOnlyMemory<byte> edited, ReadOnlyMemory<byte> stored, out byte[]? restored)
    {
        using var source = Parse(stored);
        return TryWalk(edited, new Walk(this, restoring: true, source?.RootElement), out restored);
    }

    private static bool IsMask(JsonElement value) => value.ValueKind is JsonValueKind.String && value.ValueEquals(Redactor.Mask);

    private static JsonDocument? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool TryWalk(ReadOnlyMemory<byte> body, Walk walk, out byte[]? changed)
    {
        changed = null;
        using var document = Parse(body);
        if (document is null)
            return false;
        var written = new ArrayBufferWriter<byte>();
        try
        {
            using var writer = new Utf8JsonWriter(written, AsWritten);
            walk.Write(document.RootElement, writer);
        }
        catch (InvalidOperationException)
        {
            return false; // Half a surrogate pair, or bytes that are no UTF-8, within a string.
        }
        changed = walk.Changed ? written.WrittenSpan.ToArray() : null;
        return true;
    }

    private IReadOnlySet<int>[] Next(IReadOnlySet<int>[] at, Action<JsonPath, IReadOnlySet<int>, HashSet<int>> step)
    {
        var next = new IReadOnlySet<int>[at.Length];
        for (var i = 0; i < at.Length; i++)
        {
            var places = new HashSet<int>();
            step(paths[i], at[i], places);
            next[i] = places;
        }
        return next;
    }

    private IReadOnlySet<int>[] Member(string name, IReadOnlySet<int>[] at) =>
        Next(at, (path, from, to) => path.Step(name, from, to));

    private IReadOnlySet<int>[] Entry(IReadOnlySet<int>[] at) => Next(at, (path, from, to) => path.Enter(from, to));

    private bool Ends(IReadOnlySet<int>[] at) => paths.Where((path, i) => path.Ends(at[i])).Any();

    private static bool Lives(IReadOnlySet<int>[] at) => at.Any(places => places.Count > 0);

    /// <summary>One way through a body: to mask it, or to put back into it what stands in <paramref name="source"/>.</summary>
    private sealed class Walk(JsonMask mask, bool restoring, JsonElement? source)
    {
        private readonly List<string> _way = [];
        private int _masks;

        /// <summary>Something stood at the end of a path, and was not what it is now.</summary>
        public bool Changed { get; private set; }

        public void Write(JsonElement root, Utf8JsonWriter writer) => Value(root, source, mask.Root, writer);

        private string Place => string.Join('.', _way);

        private void Value(JsonElement node, JsonElement? beside, IReadOnlySet<int>[] at, Utf8JsonWriter writer)
        {
            if (mask.Ends(at) && (!restoring || IsMask(node)))
                Replace(beside, writer);
            else if (!restoring && !Lives(at))
                node.WriteTo(writer);
            else if (node.ValueKind is JsonValueKind.Array)
                Entries(node, beside, at, writer);
            else if (node.ValueKind is JsonValueKind.Object)
                Members(node, beside, at, writer);
            else if (restoring && IsMask(node) && !(beside is { } same && IsMask(same)))
                throw new ArgumentException($"The body holds {Redactor.Mask} at {Place}, where nothing is masked: it would be sent as it "
                    + "stands. Write the value.");
            else
                node.WriteTo(writer);
        }

        private void Replace(JsonElement? beside, Utf8JsonWriter writer)
        {
            _masks++;
            Changed = true;
            if (!restoring)
                writer.WriteStringValue(Redactor.Mask);
            else if (beside is { } value)
                value.WriteTo(writer);
            else
                throw new ArgumentException($"The body holds {Redactor.Mask} at {Place}, where the stored one has nothing that it could "
                    + "stand for. Write the value.");
        }

        private void Entries(JsonElement node, JsonElement? beside, IReadOnlySet<int>[] at, Utf8JsonWriter writer)
        {
            List<JsonElement>? others = beside is { ValueKind: JsonValueKind.Array } array
                && array.GetArrayLength() == node.GetArrayLength()
                ? [.. array.EnumerateArray()] : null;
            var next = mask.Entry(at);
            writer.WriteStartArray();
            var i = 0;
            foreach (var entry in node.EnumerateArray())
            {
                var (before, twin) = (_masks, others?[i]);
                _way.Add($"{i++}");
                Value(entry, twin, next, writer);
                if (restoring && _masks > before && !(twin is { } other && mask.Same(entry, other, next)))
                    throw new ArgumentException($"The body holds {Redactor.Mask} in {Place}, an entry of a list that was changed, so which "
                        + "value it stands for is not known. Write the value.");
                _way.RemoveAt(_way.Count - 1);
            }
            writer.WriteEndArray();
        }

        private void Members(JsonElement node, JsonElement? beside, IReadOnlySet<int>[] at, Utf8JsonWriter writer)
        {
            var twins = beside is { ValueKind: JsonValueKind.Object } other ? new Twins(other) : null;
            writer.WriteStartObject();
            foreach (var member in node.EnumerateObject())
            {
                writer.WritePropertyName(member.Name);
                _way.Add(member.Name);
                Value(member.Value, twins?.Next(member.Name), mask.Member(member.Name, at), writer);
                _way.RemoveAt(_way.Count - 1);
            }
            writer.WriteEndObject();
        }
    }

    /// <summary>True when two values say the same but for what masks hide in the first.</summary>
    private bool Same(JsonElement now, JsonElement before, IReadOnlySet<int>[] at)
    {
        if (Ends(at) && IsMask(now))
            return true;
        if (now.ValueKind is JsonValueKind.Array && before.ValueKind is JsonValueKind.Array)
        {
            var next = Entry(at);
            return now.GetArrayLength() == before.GetArrayLength()
                && now.EnumerateArray().Zip(before.EnumerateArray()).All(pair => Same(pair.First, pair.Second, next));
        }
        if (now.ValueKind is not JsonValueKind.Object || before.ValueKind is not JsonValueKind.Object)
            return JsonElement.DeepEquals(now, before);
        var twins = new Twins(before);
        return now.GetPropertyCount() == before.GetPropertyCount() && now.EnumerateObject().All(member =>
            twins.Next(member.Name) is { } twin && Same(member.Value, twin, Member(member.Name, at)));
    }

    /// <summary>The members of an object by name; of those that stand twice the first is asked for first.</summary>
    private sealed class Twins(JsonElement members)
    {
        private Dictionary<string, Queue<JsonElement>>? _byName;

        public JsonElement? Next(string name) =>
            (_byName ??= Named()).TryGetValue(name, out var values) && values.TryDequeue(out var value) ? value : null;

        private Dictionary<string, Queue<JsonElement>> Named()
        {
            var named = new Dictionary<string, Queue<JsonElement>>(StringComparer.Ordinal);
            foreach (var member in members.EnumerateObject())
            {
                if (!named.TryGetValue(member.Name, out var values))
                    named.Add(member.Name, values = new());
                values.Enqueue(member.Value);
            }
            return named;
        }
    }
}
