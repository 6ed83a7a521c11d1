using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Recourse.Server.Redaction;

/// <summary>Masks what stands at configured places of a JSON body, and puts back into an edited one what its mask stands for.</summary>
internal sealed class JsonMask(IReadOnlyList<JsonPath> paths)
{
    private static readonly JsonWriterOptions AsWritten = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly IReadOnlySet<int> Start = new HashSet<int> { 0 };

    /// <summary>The body with masks; null when it is no JSON, or nothing in it is to be masked.</summary>
    public byte[]? Mask(ReadOnlyMemory<byte> body)
    {
        if (Parse(body) is not { } root)
            return null;
        return Walk(root, root, (_, _) => Redactor.Mask) ? Write(root) : null;
    }

    /// <summary>
    /// An edited body in which each mask is what stands there in the stored one. Null when it has no mask; an error when a mask stands
    /// where the stored body has nothing.
    /// </summary>
    /// <exception cref="ArgumentException">A mask cannot be put back.</exception>
    public byte[]? Restore(ReadOnlyMemory<byte> edited, ReadOnlyMemory<byte> stored)
    {
        if (Parse(edited) is not { } root)
            return null;
        var source = Parse(stored);
        var (missing, changed) = (false, false);
        Walk(root, source, (now, before) =>
        {
            if (now is not JsonValue value || !value.TryGetValue<string>(out var text) || text != Redactor.Mask)
                return now?.DeepClone();
            changed = true;
            missing |= before is null;
            return before?.DeepClone();
        });
        if (missing)
            throw new ArgumentException($"The body holds {Redactor.Mask} where the stored one has nothing that it could stand for. "
                + $"Write the value.");
        return changed ? Write(root) : null;
    }

    private static JsonNode? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonNode.Parse(body.Span);
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return null; // No JSON, or the same name twice in one object.
        }
    }

    private static byte[] Write(JsonNode root)
    {
        var written = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(written, AsWritten))
            root.WriteTo(writer);
        return written.WrittenSpan.ToArray();
    }

    /// <summary>Replaces what stands at the ends of the paths; true when something does.</summary>
    private bool Walk(JsonNode root, JsonNode? beside, Func<JsonNode?, JsonNode?, JsonNode?> replace) =>
        Below(root, beside, [.. paths.Select(_ => Start)], replace);

    private bool Below(JsonNode? node, JsonNode? beside, IReadOnlySet<int>[] at, Func<JsonNode?, JsonNode?, JsonNode?> replace)
    {
        var found = false;
        if (node is JsonArray array)
        {
            for (var i = 0; i < array.Count; i++)
                found |= Below(array[i], beside is JsonArray other && i < other.Count ? other[i] : null, at, replace);
        }
        else if (node is JsonObject members)
        {
            foreach (var name in members.Select(member => member.Key).ToList())
            {
                var twin = (beside as JsonObject)?[name];
                var next = Next(name, at);
                if (paths.Where((path, i) => path.Ends(next[i])).Any())
                {
                    members[name] = replace(members[name], twin);
                    found = true;
                }
                else if (next.Any(places => places.Count > 0))
                    found |= Below(members[name], twin, next, replace);
            }
        }
        return found;
    }

    private IReadOnlySet<int>[] Next(string name, IReadOnlySet<int>[] at)
    {
        var next = new IReadOnlySet<int>[at.Length];
        for (var i = 0; i < at.Length; i++)
        {
            var places = new HashSet<int>();
            paths[i].Step(name, at[i], places);
            next[i] = places;
        }
        return next;
    }
}
