using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Recourse.Cli.Output;

/// <summary>Standard output for programs: one document, or one document a line.</summary>
internal static class JsonOutput
{
    /// <summary>A document as the relay sent it.</summary>
    public static void Write(ReadOnlySpan<byte> document)
    {
        using var output = Console.OpenStandardOutput();
        output.Write(document);
        output.Write("\n"u8);
    }

    /// <summary>One line of a list.</summary>
    public static void WriteLine(JsonElement element) => Console.Out.WriteLine(element.GetRawText());

    /// <summary>A document of our own.</summary>
    public static void Write<T>(T value, JsonTypeInfo<T> type) => Write(JsonSerializer.SerializeToUtf8Bytes(value, type));
}
