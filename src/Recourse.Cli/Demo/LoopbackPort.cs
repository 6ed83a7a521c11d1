using System.Net;
using System.Net.Sockets;

namespace Recourse.Cli.Demo;

/// <summary>Finds a port on loopback for a process that has to be told one, because it must come back on the same after a crash.</summary>
internal static class LoopbackPort
{
    private const int Lowest = 20_000;

    /// <summary>Where Linux begins to take ports for outgoing connections; other systems begin at 49152.</summary>
    private const int Outgoing = 32_768;

    /// <summary>
    /// A port that nobody listens on now, from below those that outgoing connections get: none of them takes it before the process does, or
    /// while the process is down.
    /// </summary>
    public static int Free()
    {
        while (true)
        {
            var port = Random.Shared.Next(Lowest, Outgoing);
            if (IsFree(port)) return port;
        }
    }

    private static bool IsFree(int port)
    {
        using var listener = new TcpListener(IPAddress.Loopback, port);
        try
        {
            listener.Start();
            return true;
        }
        catch (SocketException taken) when (taken.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }
}
