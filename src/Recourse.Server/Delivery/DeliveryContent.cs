using System.Net;

namespace Recourse.Server;

/// <summary>
/// The body of a delivery, byte for byte, with its length known, so that it is never chunked. It notes when it begins to be written:
/// from then on the service may have acted, and before it cannot have.
/// </summary>
internal sealed class DeliveryContent : HttpContent
{
    private readonly ReadOnlyMemory<byte> _body;
    private volatile bool _begun;

    internal DeliveryContent(ReadOnlyMemory<byte> body, string? contentType)
    {
        _body = body;
        // As it came, also where it does not parse: the service may know better what it means. But never a second header.
        if (contentType is not null && contentType.AsSpan().IndexOfAny('\r', '\n', '\0') < 0)
            Headers.TryAddWithoutValidation("Content-Type", contentType);
    }

    /// <summary>A connection stands and the request is being written to it.</summary>
    internal bool Begun => _begun;

    protected override bool TryComputeLength(out long length)
    {
        length = _body.Length;
        return true;
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
        SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        _begun = true;
        await stream.WriteAsync(_body, cancellationToken);
    }
}
