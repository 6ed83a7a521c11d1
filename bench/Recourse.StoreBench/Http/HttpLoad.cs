using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Recourse.StoreBench.Http;

/// <summary>
/// Posts the same 500 bytes over kept connections, each waiting for its answer before the next. As little client as can be, because client
/// and server share the machine: what it costs, it costs both sides of the ratio.
/// </summary>
internal static class HttpLoad
{
    private const int BodyBytes = 500;

    /// <summary>Answers of 202 per second with so many connections.</summary>
    /// <exception cref="InvalidOperationException">The server answered anything else.</exception>
    public static async Task<double> RunAsync(Uri address, string path, int messages, int connections)
    {
        var request = Request(address, path);
        var left = messages;
        var began = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Task.Run(async () =>
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, address.Port);
            var buffer = new byte[4096];
            while (Interlocked.Decrement(ref left) >= 0)
            {
                await socket.SendAsync(request);
                await AnswerAsync(socket, buffer);
            }
        })));
        return messages / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    private static async Task AnswerAsync(Socket socket, byte[] buffer)
    {
        var length = 0;
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer.AsMemory(length));
            length += read;
            if (IsWhole(buffer.AsSpan(0, length)))
                return;
            if (read == 0 || length == buffer.Length)
                throw new InvalidOperationException($"The answer broke off: {Encoding.UTF8.GetString(buffer, 0, length)}");
        }
    }

    private static bool IsWhole(ReadOnlySpan<byte> answer)
    {
        var head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
            return false;
        if (!answer.StartsWith("HTTP/1.1 202"u8))
            throw new InvalidOperationException($"Not a 202: {Encoding.UTF8.GetString(answer)}");
        var from = answer.IndexOf("Content-Length: "u8) + "Content-Length: "u8.Length;
        var digits = answer[from..head];
        var end = digits.IndexOf((byte)'\r');
        return answer.Length - head - 4 >= int.Parse(end < 0 ? digits : digits[..end], provider: null);
    }

    private static byte[] Request(Uri address, string path)
    {
        var head = $"POST {path} HTTP/1.1\r\nHost: {address.Authority}\r\nContent-Type: application/json\r\n"
            + $"Content-Length: {BodyBytes}\r\n\r\n";
        return [.. Encoding.ASCII.GetBytes(head), .. Encoding.ASCII.GetBytes($"{{\"text\":\"{new string('x', BodyBytes - 11)}\"}}")];
    }
}
