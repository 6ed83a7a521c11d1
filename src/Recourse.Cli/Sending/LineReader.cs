using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Recourse.Cli.Sending;

/// <summary>One line of a file, without its line end. <see cref="Number"/> counts from 1 and includes empty lines.</summary>
internal readonly record struct InputLine(long Number, byte[] Body);

/// <summary>Reads lines as bytes: what goes out is what stands in the file. Empty lines are passed over.</summary>
internal static class LineReader
{
    /// <summary>The longest line that is read; a longer one is no NDJSON but a mistake.</summary>
    public const int LongestLine = 64 * 1024 * 1024;

    private static readonly byte[] ByteOrderMark = [0xEF, 0xBB, 0xBF];

    /// <summary>The lines of <paramref name="input"/>, told how many bytes each step took.</summary>
    /// <exception cref="CliException">A line is longer than <see cref="LongestLine"/>.</exception>
    public static async IAsyncEnumerable<InputLine> ReadAsync(
        Stream input, Action<long>? onRead = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var reader = PipeReader.Create(input, new StreamPipeReaderOptions(leaveOpen: true, bufferSize: 64 * 1024));
        long number = 0;
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var buffer = read.Buffer;
            while (TryTake(ref buffer, read.IsCompleted, out var line))
            {
                number++;
                var body = Trimmed(line, number);
                onRead?.Invoke(line.Length + 1);
                if (body.Length > 0) yield return new(number, body);
            }
            if (buffer.Length > LongestLine)
                throw new CliException(ExitCode.Usage,
                    $"line {number + 1} is longer than {LongestLine / 1024 / 1024} MiB: is the input NDJSON, one message a line?");
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) break;
        }
        await reader.CompleteAsync();
    }

    private static bool TryTake(ref ReadOnlySequence<byte> buffer, bool last, out ReadOnlySequence<byte> line)
    {
        if (buffer.PositionOf((byte)'\n') is { } end)
        {
            line = buffer.Slice(0, end);
            buffer = buffer.Slice(buffer.GetPosition(1, end));
            return true;
        }
        line = buffer;
        if (!last || buffer.IsEmpty) return false;
        buffer = buffer.Slice(buffer.End);
        return true;
    }

    private static byte[] Trimmed(ReadOnlySequence<byte> line, long number)
    {
        var bytes = line.ToArray();
        if (bytes.Length > 0 && bytes[^1] == '\r') bytes = bytes[..^1];
        if (number == 1 && bytes.AsSpan().StartsWith(ByteOrderMark)) bytes = bytes[ByteOrderMark.Length..];
        return bytes.AsSpan().IndexOfAnyExcept((byte)' ', (byte)'\t') < 0 ? [] : bytes;
    }
}
