using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Recourse.Durable;

/// <summary>What is sealed together: the body, and what says something about it.</summary>
internal sealed record OpenPayload(string Queue, string? ContentType, string? Headers, ReadOnlyMemory<byte> Body);

/// <summary>
/// A sealed body: one byte of format, a random nonce of 12, a tag of 16, then queue, content type, headers and body as AES-GCM leaves
/// them. It is bound to the id of its message and to whether, and for which delivery, it is an edit: moved to another row it does not
/// open. The queue is inside, so that a row moved to another queue is noticed.
/// </summary>
internal static class SealedPayload
{
    private const string MediaType = "application/vnd.recourse.sealed";
    private const string TypePrefix = MediaType + "; key=";
    private const byte Format = 1;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;
    private const int Overhead = 1 + NonceBytes + TagBytes;
    private static readonly UTF8Encoding Utf8 = new(false, true);

    /// <summary>The content type that stands in the row of what is sealed with a key.</summary>
    public static string TypeOf(string keyId) => TypePrefix + keyId;

    /// <summary>The id of the key with which a row is sealed; null when it is not.</summary>
    public static string? KeyOf(string? contentType) =>
        contentType?.StartsWith(TypePrefix, StringComparison.Ordinal) == true ? contentType[TypePrefix.Length..] : null;

    /// <summary>True for a media type that only a store may write: what came in with it would be taken for sealed.</summary>
    public static bool IsReserved(string? contentType) =>
        contentType.AsSpan().TrimStart().StartsWith(MediaType, StringComparison.OrdinalIgnoreCase);

    /// <exception cref="ArgumentException">The type is reserved; the text names <paramref name="where"/>.</exception>
    public static void Refuse(string? contentType, string where)
    {
        if (IsReserved(contentType))
            throw new ArgumentException(
                $"{where} is '{contentType}'; {MediaType} marks what the store itself has sealed. Use another type.");
    }

    public static byte[] Seal(PayloadKey key, Guid message, int? edited, OpenPayload payload)
    {
        var plain = Write(payload);
        var sealedBytes = new byte[Overhead + plain.Length];
        sealedBytes[0] = Format;
        var nonce = sealedBytes.AsSpan(1, NonceBytes);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key.Sealing, TagBytes);
        aes.Encrypt(nonce, plain, sealedBytes.AsSpan(Overhead), sealedBytes.AsSpan(1 + NonceBytes, TagBytes), Bound(message, edited));
        CryptographicOperations.ZeroMemory(plain);
        return sealedBytes;
    }

    /// <exception cref="CryptographicException">It was changed, stands in the wrong row, or belongs to another key.</exception>
    public static OpenPayload Open(PayloadKey key, Guid message, int? edited, ReadOnlyMemory<byte> sealedBytes)
    {
        var bytes = sealedBytes.Span;
        if (bytes.Length < Overhead || bytes[0] != Format)
            throw new CryptographicException("It is no sealed payload of a format that this release knows.");
        var plain = new byte[bytes.Length - Overhead];
        using var aes = new AesGcm(key.Sealing, TagBytes);
        aes.Decrypt(bytes.Slice(1, NonceBytes), bytes[Overhead..], bytes.Slice(1 + NonceBytes, TagBytes), plain, Bound(message, edited));
        return Read(plain);
    }

    private static byte[] Bound(Guid message, int? edited)
    {
        var bound = new byte[16 + 1 + 4];
        message.TryWriteBytes(bound, bigEndian: true, out _);
        bound[16] = edited is null ? (byte)0 : (byte)1;
        BinaryPrimitives.WriteInt32BigEndian(bound.AsSpan(17), edited ?? 0);
        return bound;
    }

    private static byte[] Write(OpenPayload payload)
    {
        var (queue, type, headers) = (Utf8.GetBytes(payload.Queue), Bytes(payload.ContentType), Bytes(payload.Headers));
        var plain = new byte[12 + queue.Length + (type?.Length ?? 0) + (headers?.Length ?? 0) + payload.Body.Length];
        var rest = plain.AsSpan();
        foreach (var part in (byte[]?[])[queue, type, headers])
        {
            BinaryPrimitives.WriteInt32BigEndian(rest, part?.Length ?? -1);
            part?.CopyTo(rest[4..]);
            rest = rest[(4 + (part?.Length ?? 0))..];
        }
        payload.Body.Span.CopyTo(rest);
        return plain;

        static byte[]? Bytes(string? text) => text is null ? null : Utf8.GetBytes(text);
    }

    private static OpenPayload Read(byte[] plain)
    {
        var at = 0;
        var (queue, type, headers) = (Part(), Part(), Part());
        return new(queue ?? "", type, headers, plain.AsMemory(at));

        string? Part()
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(plain.AsSpan(at));
            at += 4;
            if (length < 0)
                return null;
            at += length;
            return Utf8.GetString(plain, at - length, length);
        }
    }
}
