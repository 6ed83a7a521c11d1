using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Api;

/// <summary>Answers of one JSON document a line.</summary>
internal static class Ndjson
{
    public const string MediaType = "application/x-ndjson";

    private static readonly byte[] NewLine = "\n"u8.ToArray();

    /// <summary>Sends one line; it waits while the caller reads slowly.</summary>
    public static async Task WriteAsync<T>(HttpContext http, T line, JsonTypeInfo<T> type)
    {
        await http.Response.BodyWriter.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, type), http.RequestAborted);
        await http.Response.BodyWriter.WriteAsync(NewLine, http.RequestAborted);
    }
}
