using System.Collections.Frozen;
using System.Text.Json;

namespace Recourse;

/// <summary>The stored names of <see cref="FaultKind"/>, and the category that follows from each kind.</summary>
public static class FaultKinds
{
    private static readonly string[] Names = [.. Enum.GetValues<FaultKind>().Select(kind =>
        JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString()))];
    private static readonly FrozenDictionary<string, FaultKind> ByName =
        Enum.GetValues<FaultKind>().ToFrozenDictionary(kind => Names[(int)kind], StringComparer.OrdinalIgnoreCase);

    /// <summary>The snake-case name of a kind, for example <c>connection_refused</c>.</summary>
    public static string Name(this FaultKind kind) => Names[(int)kind];

    /// <summary>The kind with this snake-case name, in any case; false when there is none.</summary>
    public static bool TryParse(string? name, out FaultKind kind)
    {
        kind = FaultKind.Unknown;
        return name is not null && ByName.TryGetValue(name, out kind);
    }

    /// <summary>Whose problem a kind is.</summary>
    public static FaultCategory Category(this FaultKind kind) => kind switch
    {
        FaultKind.ConnectionRefused or FaultKind.ConnectionReset or FaultKind.DnsResolution or FaultKind.NetworkUnreachable
            or FaultKind.DbConnectionLost => FaultCategory.Communication,
        FaultKind.ConnectionTimeout or FaultKind.Timeout or FaultKind.DeadlineExceeded or FaultKind.GatewayTimeout
            or FaultKind.DbLockTimeout => FaultCategory.Timeout,
        FaultKind.ServiceUnavailable or FaultKind.BadGateway or FaultKind.InternalError or FaultKind.DatabaseDown or FaultKind.DbDeadlock
            or FaultKind.DbSerializationFailure or FaultKind.CircuitOpen or FaultKind.TemporaryFailure => FaultCategory.Dependency,
        FaultKind.RateLimitExceeded or FaultKind.BulkheadFull or FaultKind.OutOfMemory or FaultKind.DiskFull or FaultKind.TooManyOpenFiles
            or FaultKind.ResourceLimit => FaultCategory.Resource,
        FaultKind.BadRequest or FaultKind.PayloadTooLarge or FaultKind.ValidationError or FaultKind.MissingField or FaultKind.TypeMismatch
            or FaultKind.DbConstraintViolation => FaultCategory.Data,
        FaultKind.BusinessRuleViolation or FaultKind.InsufficientFunds or FaultKind.DuplicateRequest or FaultKind.Conflict
            or FaultKind.NotFound => FaultCategory.Business,
        FaultKind.Unauthorized or FaultKind.Forbidden or FaultKind.TlsFailure => FaultCategory.Security,
        FaultKind.ConfigurationError or FaultKind.DbSyntaxError or FaultKind.NotSupported => FaultCategory.Configuration,
        FaultKind.PoisonMessage => FaultCategory.Poison,
        FaultKind.ProcessCrashed or FaultKind.FileSystemError => FaultCategory.System,
        _ => FaultCategory.Unknown,
    };
}
