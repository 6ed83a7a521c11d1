using System.Text;
using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// Bodies that a text field of a page can hold and give back byte for byte: short, plain text, with one kind of line end.
internal static class EditableText
{
    public const int BytesMax = 64 * 1024;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    // Null when the field could not give back what it was given.
    public static string? Of(Payload payload)
    {
        if (payload.Body.Length > BytesMax)
            return null;
        try
        {
            var text = Strict.GetString(payload.Body.Span);
            return text.AsSpan().ContainsAnyInRange('\0', '\b') || text.Contains('\r') || text.Contains('\ufeff') ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    // Browsers send every line end as two characters.
    public static byte[] Body(string field) => Strict.GetBytes(field.Replace("\r\n", "\n", StringComparison.Ordinal));
}
