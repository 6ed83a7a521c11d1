using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>FHIR issue types. Everything under "transient" may be sent again as it is; everything else may not.</summary>
internal static class FhirCodes
{
    internal static readonly CodeFamily Family = new("fhir",
    [
        new(TemporaryFailure, "transient"),
        new(DbLockTimeout, "lock-error"),
        new(DatabaseDown, "no-store"),
        new(InternalError, "exception"),
        new(FaultKind.Timeout, "timeout"),
        new(ServiceUnavailable, "incomplete"),
        new(RateLimitExceeded, "throttled"),
        new(ValidationError, "invalid structure value invariant code-invalid extension multiple-matches too-long"),
        new(MissingField, "required"),
        new(Unauthorized, "security login unknown expired"),
        new(Forbidden, "forbidden suppressed"),
        new(BadRequest, "processing"),
        new(NotSupported, "not-supported limited-filter"),
        new(DuplicateRequest, "duplicate"),
        new(NotFound, "not-found deleted"),
        new(ResourceLimit, "too-costly", Permanent),
        new(BusinessRuleViolation, "business-rule"),
        new(Conflict, "conflict"),
    ],
    Otherwise: null, "hl7");
}
