using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// gRPC status codes. Only UNAVAILABLE is safe to repeat as it stands; ABORTED asks for the whole read-modify-write to be run again.
/// </summary>
internal static class GrpcCodes
{
    internal static readonly CodeFamily Family = new("grpc",
    [
        new(ServiceUnavailable, "14=UNAVAILABLE"),
        new(DbSerializationFailure, "10=ABORTED"),
        new(Cancelled, "1=CANCELLED", Permanent),
        new(InternalError, "2=UNKNOWN 13=INTERNAL", Permanent),
        new(BadRequest, "3=INVALID_ARGUMENT=INVALIDARGUMENT 11=OUT_OF_RANGE=OUTOFRANGE"),
        new(FaultKind.DeadlineExceeded, "4=DEADLINE_EXCEEDED=DEADLINEEXCEEDED", Permanent),
        new(NotFound, "5=NOT_FOUND=NOTFOUND"),
        new(DuplicateRequest, "6=ALREADY_EXISTS=ALREADYEXISTS"),
        new(Forbidden, "7=PERMISSION_DENIED=PERMISSIONDENIED"),
        // It may be a quota that no waiting refills.
        new(RateLimitExceeded, "8=RESOURCE_EXHAUSTED=RESOURCEEXHAUSTED", Permanent),
        new(Conflict, "9=FAILED_PRECONDITION=FAILEDPRECONDITION"),
        new(NotSupported, "12=UNIMPLEMENTED"),
        new(InternalError, "15=DATA_LOSS=DATALOSS", Permanent, Blame: Blame.Message),
        new(Unauthorized, "16=UNAUTHENTICATED"),
    ],
    Otherwise: null, "grpcstatus");
}
