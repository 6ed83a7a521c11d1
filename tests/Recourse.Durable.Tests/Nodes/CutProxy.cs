using System.Net;
using System.Net.Sockets;

namespace Recourse.Durable.Tests;

/// <summary>A TCP proxy on loopback whose lines can be cut, and which can refuse new ones.</summary>
internal sealed class CutProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly Lock _lock = new();
    private readonly List<Socket> _open = [];
    private readonly Task _accepting;
    private volatile bool _refuses;

    public CutProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Cuts every line, with a reset on both sides.</summary>
    public void Cut(bool refuse = false)
    {
        _refuses = refuse;
        List<Socket> open;
        lock (_lock)
        {
            open = [.. _open];
            _open.Clear();
        }
        foreach (var socket in open)
        {
            try
            {
                socket.LingerState = new(true, 0);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // It has ended by itself.
            }
            socket.Dispose();
        }
    }

    public void Mend() => _refuses = false;

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = CarryAsync(await _listener.AcceptSocketAsync());
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The proxy ends.
        }
    }

    private async Task CarryAsync(Socket client)
    {
        using (client)
        {
            if (_refuses)
                return;
            using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _target);
                lock (_lock)
                    _open.AddRange([client, server]);
                await Task.WhenAny(PumpAsync(client, server), PumpAsync(server, client));
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                // One side is gone; the other follows.
            }
        }
    }

    private static async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer) is > 0 and var count)
                await to.SendAsync(buffer.AsMemory(0, count));
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Cut(refuse: true);
        await _accepting;
    }
}
