using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// What operating systems and resolvers say: errno (Linux numbers), HRESULT, getaddrinfo. Errno follows the C library's narrow idea of
/// "temporary"; failures of sockets arrive as the family socket, whose idea is wider.
/// </summary>
internal static class SystemCodes
{
    internal static readonly CodeFamily Errno = new("errno",
    [
        new(TemporaryFailure, "4=EINTR 11=EAGAIN=EWOULDBLOCK", Applied: Applied.No),
        new(TooManyOpenFiles, "24=EMFILE"),
        new(ConnectionTimeout, "110=ETIMEDOUT", Applied: Applied.Maybe),
        new(ConnectionRefused, "111=ECONNREFUSED", Permanent),
        new(ConnectionReset, "104=ECONNRESET 32=EPIPE 103=ECONNABORTED", Permanent),
        new(NetworkUnreachable, "113=EHOSTUNREACH 101=ENETUNREACH 100=ENETDOWN", Permanent),
        new(NotFound, "2=ENOENT 3=ESRCH 6=ENXIO 19=ENODEV"),
        new(Forbidden, "13=EACCES 1=EPERM 30=EROFS"),
        new(Conflict, "17=EEXIST 39=ENOTEMPTY 16=EBUSY 26=ETXTBSY"),
        new(BadRequest, "22=EINVAL 9=EBADF 20=ENOTDIR 21=EISDIR 36=ENAMETOOLONG 33=EDOM 34=ERANGE"),
        new(DiskFull, "28=ENOSPC 122=EDQUOT 27=EFBIG", Permanent),
        new(OutOfMemory, "12=ENOMEM", Permanent, Applied: Applied.No),
        new(FileSystemError, "5=EIO 116=ESTALE", Permanent),
        new(TooManyOpenFiles, "23=ENFILE", Permanent),
        new(ResourceLimit, "98=EADDRINUSE 105=ENOBUFS", Permanent),
        new(NotSupported, "38=ENOSYS 95=EOPNOTSUPP"),
    ],
    code => int.TryParse(code, out _) || code.StartsWith('E') ? new CodeRow(FaultKind.Unknown, code, Permanent) : null, "posix linux");

    internal static readonly CodeFamily HResult = new("hresult",
    [
        // Another process holds the file for the moment.
        new(FileSystemError, "-2147024864=0x80070020=ERROR_SHARING_VIOLATION -2147024863=0x80070021=ERROR_LOCK_VIOLATION", Transient,
            Applied: Applied.No),
        new(DiskFull, "-2147024784=0x80070070=ERROR_DISK_FULL -2147024857=0x80070027=ERROR_HANDLE_DISK_FULL"),
        new(OutOfMemory, "-2147024882=0x8007000E=E_OUTOFMEMORY -2147024888=0x80070008=ERROR_NOT_ENOUGH_MEMORY"),
        new(TooManyOpenFiles, "-2147024892=0x80070004=ERROR_TOO_MANY_OPEN_FILES"),
        new(Forbidden, "-2147024891=0x80070005=E_ACCESSDENIED"),
        new(NotFound, "-2147024894=0x80070002=ERROR_FILE_NOT_FOUND -2147024893=0x80070003=ERROR_PATH_NOT_FOUND " +
            "-2147024843=0x80070035=ERROR_BAD_NETPATH"),
        new(DuplicateRequest, "-2147024816=0x80070050=ERROR_FILE_EXISTS -2147024713=0x800700B7=ERROR_ALREADY_EXISTS"),
        new(FaultKind.Timeout, "-2147024775=0x80070079=ERROR_SEM_TIMEOUT -2147023436=0x800705B4=ERROR_TIMEOUT"),
        new(ConnectionReset, "-2147024832=0x80070040=ERROR_NETNAME_DELETED -2147024787=0x8007006D=ERROR_BROKEN_PIPE " +
            "-2147014842=0x80072746=WSAECONNRESET -2147014843=0x80072745=WSAECONNABORTED"),
        new(ConnectionTimeout, "-2147014836=0x8007274C=WSAETIMEDOUT"),
        new(ConnectionRefused, "-2147014835=0x8007274D=WSAECONNREFUSED -2147023671=0x800704C9=ERROR_CONNECTION_REFUSED"),
        new(NetworkUnreachable, "-2147023665=0x800704CF=ERROR_NETWORK_UNREACHABLE"),
        new(Cancelled, "-2147467260=0x80004004=E_ABORT -2147023673=0x800704C7=ERROR_CANCELLED"),
        new(BadRequest, "-2147024809=0x80070057=E_INVALIDARG -2147024773=0x8007007B=ERROR_INVALID_NAME"),
        new(NotSupported, "-2147467263=0x80004001=E_NOTIMPL -2147024846=0x80070032=ERROR_NOT_SUPPORTED"),
    ],
    Otherwise: null, "win32 com");

    internal static readonly CodeFamily Dns = new("dns",
    [
        new(DnsResolution, "-3=EAI_AGAIN SERVFAIL"),
        new(DnsResolution, "-2=EAI_NONAME -4=EAI_FAIL -5=EAI_NODATA NXDOMAIN REFUSED", Permanent),
        new(ConfigurationError, "-1=EAI_BADFLAGS -6=EAI_FAMILY -7=EAI_SOCKTYPE -8=EAI_SERVICE"),
        new(OutOfMemory, "-10=EAI_MEMORY", Persistence.Unknown, Applied: Applied.No),
        new(DnsResolution, "-11=EAI_SYSTEM", Persistence.Unknown),
    ],
    Otherwise: null, "getaddrinfo resolver");
}
