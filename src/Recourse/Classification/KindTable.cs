using System.Collections.Immutable;
using static Recourse.Applied;
using static Recourse.Blame;
using static Recourse.Persistence;
using static Recourse.RetryScope;

namespace Recourse;

/// <summary>The default row of each kind, and the way a classification is made of a row and the cells above it.</summary>
internal sealed class KindTable
{
    // The type Recourse.Call would otherwise come before the imported member.
    private const RetryScope Call = RetryScope.Call;

    private readonly ImmutableArray<Defaults> _rows;

    private KindTable(ImmutableArray<Defaults> rows) => _rows = rows;

    /// <summary>The table without any override.</summary>
    internal static KindTable BuiltIn { get; } = new([.. Enum.GetValues<FaultKind>().Select(DefaultsOf)]);

    internal readonly record struct Defaults(Persistence Persistence, RetryScope Scope, Applied Applied, Blame Blame,
        bool Throttling = false);

    internal Defaults this[FaultKind kind] => _rows[(int)kind];

    /// <summary>A table with one row changed.</summary>
    internal KindTable With(FaultKind kind, FaultCells cells) => new(_rows.SetItem((int)kind, Apply(this[kind], cells)));

    /// <summary>The classification of a kind with cells above its row.</summary>
    internal Classification Classify(FaultKind kind, FaultCells? cells, string evidence, string? family = null, string? code = null)
    {
        var row = cells is null ? this[kind] : Apply(this[kind], cells);
        return new Classification
        {
            Kind = kind,
            Persistence = row.Persistence,
            Scope = row.Scope,
            Applied = row.Applied,
            Blame = row.Blame,
            Throttling = row.Throttling,
            Evidence = evidence,
            Family = family,
            Code = code,
        };
    }

    private static Defaults Apply(Defaults row, FaultCells cells)
    {
        var persistence = cells.Persistence ?? row.Persistence;
        return new Defaults(
            persistence,
            cells.Scope ?? ScopeFor(persistence, row),
            cells.Applied ?? row.Applied,
            cells.Blame ?? row.Blame,
            cells.Throttling ?? row.Throttling);
    }

    // A conflict keeps "after a re-read" whatever its persistence: that is what makes it pass.
    private static RetryScope ScopeFor(Persistence persistence, Defaults row) =>
        persistence == row.Persistence || row.Scope == Reread ? row.Scope
        : persistence == Permanent ? Never
        : row.Scope == Never ? Call
        : row.Scope;

    private static Defaults DefaultsOf(FaultKind kind) => kind switch
    {
        FaultKind.ConnectionTimeout or FaultKind.ConnectionRefused or FaultKind.DnsResolution or FaultKind.NetworkUnreachable
            => new(Transient, Call, No, Service),
        FaultKind.ConnectionReset or FaultKind.Timeout or FaultKind.DeadlineExceeded or FaultKind.ServiceUnavailable or FaultKind.BadGateway
            or FaultKind.GatewayTimeout or FaultKind.InternalError or FaultKind.DbConnectionLost or FaultKind.TemporaryFailure
            => new(Transient, Call, Maybe, Service),
        FaultKind.TlsFailure or FaultKind.ConfigurationError => new(Permanent, Never, No, Service),
        FaultKind.RateLimitExceeded => new(Transient, Call, No, Service, Throttling: true),
        FaultKind.BadRequest or FaultKind.Unauthorized or FaultKind.Forbidden or FaultKind.NotFound or FaultKind.PayloadTooLarge
            or FaultKind.NotSupported or FaultKind.DbConstraintViolation or FaultKind.DbSyntaxError or FaultKind.ValidationError
            or FaultKind.MissingField or FaultKind.TypeMismatch or FaultKind.BusinessRuleViolation or FaultKind.InsufficientFunds
            => new(Permanent, Never, No, Message),
        FaultKind.Conflict => new(Permanent, Reread, No, Message),
        FaultKind.DuplicateRequest => new(Permanent, Never, Yes, Message),
        FaultKind.DatabaseDown => new(Transient, Call, No, Service),
        FaultKind.DbDeadlock or FaultKind.DbSerializationFailure => new(Transient, Transaction, No, Service),
        FaultKind.DbLockTimeout => new(Transient, Call, No, Service),
        FaultKind.OutOfMemory or FaultKind.ProcessCrashed => new(Transient, Call, Maybe, Service),
        FaultKind.DiskFull or FaultKind.TooManyOpenFiles or FaultKind.ResourceLimit => new(Transient, Call, No, Service),
        FaultKind.FileSystemError => new(Persistence.Unknown, Call, Maybe, Service),
        FaultKind.CircuitOpen or FaultKind.BulkheadFull => new(Transient, Call, No, Service),
        FaultKind.PoisonMessage or FaultKind.OutcomeUnknown => new(Permanent, Never, Maybe, Message),
        FaultKind.Unknown or FaultKind.Cancelled => new(Persistence.Unknown, Call, Maybe, Blame.Unknown),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "This kind has no default row."),
    };
}
