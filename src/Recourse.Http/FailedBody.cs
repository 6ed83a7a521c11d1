using System.Buffers;

namespace Recourse;

/// <summary>
/// The body of a response that may have to wait while another attempt is planned. It is read up to a bound, so that a short one, as nearly
/// all of failures are, does not keep its connection from others meanwhile. What is longer stays where it is.
/// </summary>
internal static class FailedBody
{
    internal const int BytesMax = 64 * 1024;

    internal static async Task FreeConnectionAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var content = response.Content;
        if (content.Headers.ContentLength > BytesMax) return;
        var stream = await content.ReadAsStreamAsync(cancellationToken);
        var buffer = ArrayPool<byte>.Shared.Rent(BytesMax);
        try
        {
            var room = buffer.AsMemory(0, BytesMax);
            var length = await stream.ReadAtLeastAsync(room, BytesMax, throwOnEndOfStream: false, cancellationToken);
            var read = buffer.AsSpan(0, length).ToArray();
            var whole = length < BytesMax;
            HttpContent kept = whole ? new ByteArrayContent(read) : new StreamContent(new ContinuedStream(read, stream, content));
            foreach (var (name, values) in content.Headers.NonValidated) kept.Headers.TryAddWithoutValidation(name, values);
            response.Content = kept;
            if (whole) content.Dispose();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What was read of a body already, and then the rest of it. Owns the content that the rest belongs to.</summary>
    private sealed class ContinuedStream(ReadOnlyMemory<byte> begin, Stream rest, HttpContent owner) : Stream
    {
        private ReadOnlyMemory<byte> _begin = begin;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException("The length of the body is not known.");

        public override long Position
        {
            get => throw new NotSupportedException("The body is read once, from its beginning.");
            set => throw new NotSupportedException("The body is read once, from its beginning.");
        }

        public override int Read(Span<byte> buffer) => _begin.IsEmpty ? rest.Read(buffer) : Begin(buffer);

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _begin.IsEmpty ? rest.ReadAsync(buffer, cancellationToken) : new ValueTask<int>(Begin(buffer.Span));

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("The body is read once.");

        public override void SetLength(long value) => throw new NotSupportedException("The body is only read.");

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The body is only read.");

        protected override void Dispose(bool disposing)
        {
            if (disposing) owner.Dispose();
            base.Dispose(disposing);
        }

        private int Begin(Span<byte> buffer)
        {
            var length = Math.Min(buffer.Length, _begin.Length);
            _begin.Span[..length].CopyTo(buffer);
            _begin = _begin[length..];
            return length;
        }
    }
}
