using System.Net;
using System.Net.Sockets;

namespace Recourse.Server;

/// <summary>Reads <c>listen:</c> and <c>--listen</c>: an http or https address of this machine.</summary>
public static class ListenAddress
{
    /// <summary>The address, or in words why it is none; one of the two is null.</summary>
    public static (Uri? Address, string? Problem) Parse(string text)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Host.Length == 0 || address.Scheme is not ("http" or "https")
            || address.AbsolutePath != "/" || address.Query.Length + address.Fragment.Length + address.UserInfo.Length > 0)
            return (null, $"'{text}' is no address to listen on; write http://ADDRESS:PORT or https://ADDRESS:PORT such as "
                + "http://127.0.0.1:8080 (port 0 takes a free one).");
        return IsLoopback(address.DnsSafeHost) || IPAddress.TryParse(address.DnsSafeHost, out _)
            ? (address, null)
            : (null, $"'{text}' names a host; write the address to listen on in digits: http://0.0.0.0:8080 for all of this machine, "
                + "http://[::]:8080 for those of IPv6 too, or http://localhost:8080.");
    }

    /// <summary>True for <c>localhost</c> and the addresses of this machine's loopback.</summary>
    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    /// <summary>Takes the address for a moment.</summary>
    /// <exception cref="SocketException">It cannot be listened on.</exception>
    internal static void CheckFree(Uri address)
    {
        if (address.Port == 0)
            return;
        var ip = IPAddress.TryParse(address.DnsSafeHost, out var given) ? given : IPAddress.Loopback;
        using var socket = new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(ip, address.Port));
        socket.Listen();
    }
}
