using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// Failures of sockets by the names of <see cref="System.Net.Sockets.SocketError"/>, WebExceptionStatus, HttpRequestError and of the C and
/// Node error names, with the Winsock number first where there is one.
/// </summary>
internal static class SocketCodes
{
    internal static readonly CodeFamily Family = new("socket",
    [
        new(ConnectionRefused, "10061=ConnectionRefused=ECONNREFUSED=WSAECONNREFUSED ConnectFailure ConnectionError"),
        // The .NET name TimedOut covers both connecting and an established connection, so whether the effect happened stays open.
        new(ConnectionTimeout, "10060=TimedOut=ETIMEDOUT=WSAETIMEDOUT Timeout ESOCKETTIMEDOUT ETIME", Applied: Applied.Maybe),
        new(ConnectionTimeout, "UND_ERR_CONNECT_TIMEOUT"),
        new(FaultKind.Timeout, "UND_ERR_HEADERS_TIMEOUT UND_ERR_BODY_TIMEOUT"),
        new(ConnectionReset, "10054=ConnectionReset=ECONNRESET=WSAECONNRESET 10053=ConnectionAborted=ECONNABORTED=WSAECONNABORTED " +
            "10052=NetworkReset=ENETRESET=WSAENETRESET 10057=NotConnected=ENOTCONN=WSAENOTCONN 10058=Shutdown=ESHUTDOWN=WSAESHUTDOWN " +
            "10101=Disconnecting=EDISCON 32=EPIPE ConnectionClosed KeepAliveFailure PipelineFailure ReceiveFailure SendFailure " +
            "ResponseEnded UND_ERR_SOCKET HttpProtocolError"),
        new(DnsResolution, "11001=HostNotFound=ENOTFOUND=WSAHOST_NOT_FOUND NameResolutionFailure ProxyNameResolutionFailure " +
            "NameResolutionError 11002=TryAgain=EAI_AGAIN=WSATRY_AGAIN"),
        // The name exists and has no address, or the resolver says that it never will.
        new(DnsResolution, "11003=NoRecovery=EAI_FAIL=WSANO_RECOVERY 11004=NoData=EAI_NODATA=WSANO_DATA EAI_NONAME", Permanent),
        new(NetworkUnreachable, "10051=NetworkUnreachable=ENETUNREACH=WSAENETUNREACH " +
            "10065=HostUnreachable=EHOSTUNREACH=WSAEHOSTUNREACH 10050=NetworkDown=ENETDOWN=WSAENETDOWN " +
            "10064=HostDown=EHOSTDOWN=WSAEHOSTDOWN"),
        new(TlsFailure, "TrustFailure SecureChannelFailure SecureConnectionError"),
        new(ResourceLimit, "10048=AddressAlreadyInUse=EADDRINUSE=WSAEADDRINUSE 10055=NoBufferSpaceAvailable=ENOBUFS=WSAENOBUFS " +
            "10067=ProcessLimit=EPROCLIM"),
        new(TooManyOpenFiles, "10024=TooManyOpenSockets=EMFILE=WSAEMFILE ENFILE"),
        new(TemporaryFailure, "10035=WouldBlock=EAGAIN=EWOULDBLOCK 10004=Interrupted=EINTR 10036=InProgress=EINPROGRESS " +
            "10037=AlreadyInProgress=EALREADY 10091=SystemNotReady", Applied: Applied.No),
        new(Cancelled, "995=OperationAborted RequestCanceled"),
        new(Forbidden, "10013=AccessDenied=EACCES=WSAEACCES", Blame: Blame.Service),
        new(ConfigurationError, "10049=AddressNotAvailable=EADDRNOTAVAIL 10022=InvalidArgument=EINVAL " +
            "10047=AddressFamilyNotSupported=EAFNOSUPPORT 10043=ProtocolNotSupported 10046=ProtocolFamilyNotSupported " +
            "10041=ProtocolType 10044=SocketNotSupported 10092=VersionNotSupported 10093=NotInitialized 10042=ProtocolOption " +
            "10109=TypeNotFound 10039=DestinationAddressRequired 10014=Fault 10038=NotSocket 10056=IsConnected"),
        new(NotSupported, "10045=OperationNotSupported VersionNegotiationError ExtendedConnectNotSupported"),
        new(PayloadTooLarge, "10040=MessageSize=EMSGSIZE MessageLengthLimitExceeded ConfigurationLimitExceeded"),
        new(BadGateway, "InvalidResponse ServerProtocolViolation ProxyTunnelError"),
        new(Unauthorized, "UserAuthenticationError"),
    ],
    Otherwise: null, "sockets socketerror node winsock");
}
