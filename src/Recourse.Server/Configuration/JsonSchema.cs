using System.Text.Json;
using System.Text.Json.Nodes;

namespace Recourse.Server;

/// <summary>Writes the JSON schema of the configuration from the table of keys, for editors.</summary>
public static class JsonSchema
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The schema as text, ending in a line feed.</summary>
    public static string Text()
    {
        var root = Group(ConfigurationKeys.Root);
        root.Insert(0, "$schema", "https://json-schema.org/draft/2020-12/schema");
        root.Insert(1, "title", "recourse.yaml");
        return root.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Group(KeyGroup group)
    {
        var properties = new JsonObject();
        var excluded = new JsonArray();
        foreach (var key in group.Keys.Where(key => key.Kind is not KeyKind.Later))
        {
            properties[key.Name] = Value(key);
            if (key.SameAs is not null)
                excluded.Add(new JsonObject { ["not"] = new JsonObject { ["required"] = new JsonArray(key.SameAs, key.Name) } });
        }
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (excluded.Count > 0)
            schema["allOf"] = excluded;
        return schema;
    }

    private static JsonObject Value(ConfigurationKey key)
    {
        var schema = key.Kind switch
        {
            KeyKind.Integer when key.Min == key.Max => new JsonObject { ["const"] = key.Min },
            KeyKind.Integer => new JsonObject { ["type"] = "integer", ["minimum"] = key.Min, ["maximum"] = key.Max },
            KeyKind.Boolean => new JsonObject { ["type"] = "boolean" },
            KeyKind.Duration =>
                Either(new JsonObject { ["type"] = "number", ["minimum"] = 0 }, Pattern(@"^([0-9.]+ ?(ms|s|m|h|d)?|.*\$\{.*)$")),
            KeyKind.Size => Either(new JsonObject { ["type"] = "integer", ["minimum"] = key.Min, ["maximum"] = key.Max },
                Pattern(@"^([0-9.]+ ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?|.*\$\{.*)$")),
            KeyKind.Choice => new JsonObject { ["enum"] = new JsonArray([.. key.Choices.Select(choice => JsonValue.Create(choice))]) },
            KeyKind.HttpUrl => Pattern(@"^(https?://.+|.*\$\{.*)$"),
            KeyKind.TextList or KeyKind.NameList => OneOrMore(new JsonObject { ["type"] = "string" }, key.EntriesMax),
            KeyKind.StatusList => OneOrMore(Either(new JsonObject { ["type"] = "integer", ["minimum"] = 100, ["maximum"] = 599 },
                Pattern("^[1-5][0-9][0-9]( ?- ?[1-5][0-9][0-9])?$"))),
            KeyKind.HeaderMap => new JsonObject
            {
                ["type"] = "object",
                ["additionalProperties"] = new JsonObject { ["type"] = new JsonArray("string", "number") },
            },
            KeyKind.Group => Group(key.Group!),
            KeyKind.GroupMap => new JsonObject
            {
                ["type"] = "object",
                ["propertyNames"] = new JsonObject { ["pattern"] = "^[a-z0-9._-]{1,64}$" },
                ["additionalProperties"] = Group(key.Group!),
            },
            _ => new JsonObject { ["type"] = "string" },
        };
        if (key is { Kind: KeyKind.GroupMap, EntriesMax: < int.MaxValue })
            schema["maxProperties"] = key.EntriesMax;
        schema["description"] = key.About;
        return schema;
    }

    private static JsonObject Pattern(string pattern) => new() { ["type"] = "string", ["pattern"] = pattern };

    private static JsonObject Either(JsonObject one, JsonObject other) => new() { ["anyOf"] = new JsonArray(one, other) };

    private static JsonObject OneOrMore(JsonObject item, int most = int.MaxValue)
    {
        var list = new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = item.DeepClone() };
        if (most < int.MaxValue)
            list["maxItems"] = most;
        return Either(item, list);
    }
}
