using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Recourse.Server.Api;

/// <summary>
/// Reads a body into memory of its own: the store may keep it longer than the request lives, so no pooled buffer is lent to it.
/// </summary>
internal static class BodyReader
{
    /// <summary>The body; null when it is larger than <paramref name="max"/> bytes, then the rest is not read.</summary>
    public static ValueTask<ReadOnlyMemory<byte>?> ReadAsync(HttpRequest request, long max)
    {
        if (request.ContentLength == 0)
            return new(ReadOnlyMemory<byte>.Empty);
        if (request.ContentLength > max)
            return new((ReadOnlyMemory<byte>?)null);
        Unbind(request);
        return request.ContentLength is { } length ? ReadExactAsync(request, (int)length) : ReadChunkedAsync(request, max);
    }

    /// <summary>The bound of the server itself is taken off: the caller counts.</summary>
    public static void Unbind(HttpRequest request)
    {
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } bound)
            bound.MaxRequestBodySize = null;
    }

    /// <summary>The next part of a body whose length was not announced.</summary>
    /// <exception cref="BadHttpRequestException">The chunks are malformed. The server says so with a plain <see cref="IOException"/> where
    /// the size of a chunk is more than a number holds.</exception>
    public static async ValueTask<ReadResult> NextAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (IOException error) when (error is not BadHttpRequestException)
        {
            throw new BadHttpRequestException("The chunks of the body are malformed.", error);
        }
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> ReadExactAsync(HttpRequest request, int length)
    {
        var body = GC.AllocateUninitializedArray<byte>(length);
        var filled = 0;
        var reader = request.BodyReader;
        while (filled < length)
        {
            var read = await reader.ReadAsync();
            var buffer = read.Buffer;
            buffer.CopyTo(body.AsSpan(filled));
            filled += (int)buffer.Length;
            reader.AdvanceTo(buffer.End);
            if (read.IsCompleted && filled < length)
                throw new BadHttpRequestException("The body ended before its Content-Length.");
        }
        return body;
    }

    private static async ValueTask<ReadOnlyMemory<byte>?> ReadChunkedAsync(HttpRequest request, long max)
    {
        var body = new ArrayBufferWriter<byte>();
        var reader = request.BodyReader;
        while (true)
        {
            var read = await NextAsync(reader, CancellationToken.None);
            if (body.WrittenCount + read.Buffer.Length > max)
            {
                reader.AdvanceTo(read.Buffer.End);
                return null;
            }
            foreach (var segment in read.Buffer)
                body.Write(segment.Span);
            reader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
                return body.WrittenMemory;
        }
    }
}
