using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;

namespace Recourse.Server.Tests;

/// <summary>A request as its bytes came over the socket.</summary>
internal sealed record RawRequest(string Head, byte[] Body)
{
    internal string Line => Head[..Head.IndexOf('\r', StringComparison.Ordinal)];

    /// <summary>The value of a header; null when it did not come.</summary>
    internal string? this[string name] => Head.Split("\r\n")
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)).Select(line =>
            line[(name.Length + 1)..].Trim()).SingleOrDefault();
}

/// <summary>A service on loopback that answers with the bytes that a test gives it, byte for byte.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<RawRequest> _requests = Channel.CreateUnbounded<RawRequest>();
    private readonly Func<RawRequest, Stream, Socket, Task> _answer;
    private readonly X509Certificate2? _certificate;
    private readonly Task _accepting;
    private int _connections;

    internal ScriptedServer(Func<RawRequest, Stream, Socket, Task> answer, bool tls = false)
    {
        _answer = answer;
        _certificate = tls ? SelfSigned() : null;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal Uri Url => new($"{(_certificate is null ? "http" : "https")}://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/in?x=1");

    internal int Connections => Volatile.Read(ref _connections);

    /// <summary>Answers each request with these bytes.</summary>
    internal static ScriptedServer Says(string response) =>
        new(async (_, stream, _) => await stream.WriteAsync(Encoding.Latin1.GetBytes(response)));

    /// <summary>Cuts the connection with a reset after these bytes of an answer.</summary>
    internal static ScriptedServer ResetsAfter(string response) => new(async (_, stream, socket) =>
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes(response));
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    });

    internal Task<RawRequest> RequestAsync() => _requests.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException
            || (exception is InvalidOperationException && _stop.IsCancellationRequested))
        {
            // The test is over; a listener that was stopped just before it is asked says so in its own way.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        Interlocked.Increment(ref _connections);
        using (socket)
        {
            try
            {
                Stream stream = new NetworkStream(socket);
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(_certificate);
                    stream = tls;
                }

                while (await ReadAsync(stream) is { } request)
                {
                    _requests.Writer.TryWrite(request);
                    await _answer(request, stream, socket);
                }
            }
            catch (Exception exception) when (exception is IOException or SocketException or ObjectDisposedException
                                                  or System.Security.Authentication.AuthenticationException or OperationCanceledException)
            {
                // The client has gone, which many tests are about.
            }
        }
    }

    private async Task<RawRequest?> ReadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0) return null;
            head.Append((char)one[0]);
        }

        var request = new RawRequest(head.ToString(), []);
        var body = new byte[int.Parse(request["Content-Length"] ?? "0")];
        await stream.ReadExactlyAsync(body, _stop.Token);
        return request with { Body = body };
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var made = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
        _certificate?.Dispose();
    }
}
