using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>The first word of Redis error replies, and two names of clients. ERR stands for anything: see <see
/// cref="AmbiguousCodes"/>.</summary>
internal static class RedisCodes
{
    internal static readonly CodeFamily Family = new("redis",
    [
        new(DatabaseDown, "LOADING CLUSTERDOWN MASTERDOWN NOREPLICAS NOMASTERLINK"),
        new(TemporaryFailure, "TRYAGAIN MOVED ASK", Applied: Applied.No),
        // A script runs for too long, a snapshot cannot be written, memory is full: the service, not this command.
        new(ServiceUnavailable, "BUSY MISCONF MaxClients", Applied: Applied.No),
        new(OutOfMemory, "OOM", Applied: Applied.No),
        // The primary was demoted under the connection; after the next look at the topology writes go to the new one.
        new(DatabaseDown, "READONLY"),
        new(ConnectionReset, "EOF IOERR"),
        new(ResourceLimit, "ErrPoolTimeout"),
        new(Cancelled, "context.Canceled", Permanent),
        new(FaultKind.DeadlineExceeded, "context.DeadlineExceeded", Permanent),
        new(Unauthorized, "NOAUTH WRONGPASS"),
        new(Forbidden, "NOPERM"),
        new(TypeMismatch, "WRONGTYPE"),
        new(NotFound, "NOSCRIPT"),
        new(Conflict, "EXECABORT BUSYGROUP BUSYKEY UNKILLABLE INPROG NOTBUSY UNBLOCKED"),
        new(BadRequest, "ERR CROSSSLOT NOGROUP NOPROTO"),
    ],
    Otherwise: null, "valkey keydb");
}
