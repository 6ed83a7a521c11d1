using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

internal enum PayloadForm
{
    Empty,
    Json,
    Text,
    Hex,
}

// A body made fit to read. Bounded, because a page is for looking and a body may be as large as the intake allows; the whole of it can be
// downloaded. The content type is only a hint: what the bytes are decides.
internal sealed record PayloadView(PayloadForm Form, string Text, int SizeBytes, int ShownBytes)
{
    public const int JsonBytesMax = 256 * 1024;
    public const int TextBytesMax = 64 * 1024;
    public const int HexBytesMax = 2 * 1024;

    private static readonly JsonWriterOptions AsWritten = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public bool Whole => ShownBytes == SizeBytes;

    public static PayloadView Of(Payload payload)
    {
        var body = payload.Body.Span;
        if (body.IsEmpty)
            return new(PayloadForm.Empty, "", 0, 0);
        if (body.Length <= JsonBytesMax && Indented(payload.Body) is { } json)
            return new(PayloadForm.Json, Wording.Visible(json), body.Length, body.Length);
        var shown = WholeCharacters(body[..Math.Min(body.Length, TextBytesMax)], body.Length > TextBytesMax);
        if (Utf8.IsValid(shown) && !shown.Contains((byte)0))
            return new(PayloadForm.Text, Wording.Visible(Strict.GetString(shown)), body.Length, shown.Length);
        var dumped = body[..Math.Min(body.Length, HexBytesMax)];
        return new(PayloadForm.Hex, Dump(dumped), body.Length, dumped.Length);
    }

    // Objects and arrays only: a bare word or number reads no better indented.
    private static string? Indented(ReadOnlyMemory<byte> body)
    {
        var start = body.Span.IndexOfAnyExcept(" \t\r\n"u8);
        if (start < 0 || body.Span[start] is not ((byte)'{' or (byte)'['))
            return null;
        try
        {
            using var document = JsonDocument.Parse(body);
            var written = new ArrayBufferWriter<byte>(body.Length * 2);
            using (var writer = new Utf8JsonWriter(written, AsWritten))
                document.RootElement.WriteTo(writer);
            return Strict.GetString(written.WrittenSpan);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            return null; // Not JSON after all, too deep, or with half a surrogate pair: shown as text.
        }
    }

    // A cut may fall inside a character of several bytes; the rest of that character is left off.
    private static ReadOnlySpan<byte> WholeCharacters(ReadOnlySpan<byte> bytes, bool cut)
    {
        if (!cut)
            return bytes;
        var end = bytes.Length;
        while (end > bytes.Length - 4 && (bytes[end - 1] & 0xC0) == 0x80)
            end--;
        return bytes[end - 1] >= 0xC0 ? bytes[..(end - 1)] : bytes;
    }

    private static string Dump(ReadOnlySpan<byte> bytes)
    {
        var dump = new StringBuilder(bytes.Length * 5);
        for (var offset = 0; offset < bytes.Length; offset += 16)
        {
            var row = bytes[offset..Math.Min(offset + 16, bytes.Length)];
            dump.Append(CultureInfo.InvariantCulture, $"{offset:x8} ");
            for (var column = 0; column < 16; column++)
            {
                dump.Append(column == 8 ? "  " : " ");
                dump.Append(column < row.Length ? row[column].ToString("x2", CultureInfo.InvariantCulture) : "  ");
            }
            dump.Append("  ");
            foreach (var value in row)
                dump.Append(value is >= 0x20 and < 0x7f ? (char)value : '.');
            dump.Append('\n');
        }
        return dump.ToString();
    }
}
