using System.Buffers;
using System.Text;

namespace Recourse.Server;

/// <summary>Reads the beginning of an answer's body, for people: at most 1 KB, and for at most a second.</summary>
internal static class ResponseText
{
    internal const int MaxBytes = 1_024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The text, on one line; empty when there is none, or it does not come.</summary>
    internal static async Task<string> ReadAsync(HttpResponseMessage response, TimeProvider time, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MaxBytes);
        var read = 0;
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(either.Token);
            while (read < MaxBytes)
            {
                var count = await body.ReadAsync(buffer.AsMemory(read, MaxBytes - read), either.Token);
                if (count == 0) break;
                read += count;
            }

            return OneLine(buffer.AsSpan(0, read));
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or HttpRequestException)
        {
            // The status is the answer; what came of the text is enough.
            return OneLine(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static string OneLine(ReadOnlySpan<byte> bytes) => OneLine(Encoding.UTF8.GetString(bytes));

    /// <summary>With spaces in place of control characters.</summary>
    public static string OneLine(string text) => string.Create(text.Length, text, static (line, source) =>
    {
        for (var i = 0; i < line.Length; i++) line[i] = char.IsControl(source[i]) ? ' ' : source[i];
    }).Trim();
}
