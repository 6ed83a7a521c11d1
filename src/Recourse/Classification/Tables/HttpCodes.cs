using System.Globalization;
using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>HTTP status codes. A status that is not listed goes by its class: 4xx speaks against the message, 5xx against the
/// service.</summary>
internal static class HttpCodes
{
    internal static readonly CodeFamily Family = new("http",
    [
        new(BadRequest, "400 411 414 416 417 421 426 431"),
        new(Unauthorized, "401 407"),
        new(InsufficientFunds, "402"),
        new(Forbidden, "403 451"),
        new(NotFound, "404 410"),
        new(NotSupported, "405 406 415 501 505"),
        // The server gave up waiting for the request, so it has not acted on it.
        new(FaultKind.Timeout, "408", Applied: Applied.No),
        new(Conflict, "409 412 423 424 428"),
        new(PayloadTooLarge, "413"),
        new(ValidationError, "422"),
        new(BadRequest, "425"),
        new(RateLimitExceeded, "429"),
        new(InternalError, "500 506 508 510"),
        new(BadGateway, "502 520 530"),
        new(ServiceUnavailable, "503 521"),
        new(GatewayTimeout, "504 524 598 599"),
        new(ConnectionTimeout, "522"),
        new(NetworkUnreachable, "523"),
        // The certificate of the server behind the gateway does not become valid by trying again, but the gateway's class (5xx) passes.
        new(TlsFailure, "525 526", Transient),
        new(DiskFull, "507"),
        new(RateLimitExceeded, "509 529"),
        new(NetworkUnreachable, "511"),
    ],
    ByClass, "httpstatus http_status https");

    /// <summary>The row of a status, for families that use HTTP statuses beside names of their own; null for anything else.</summary>
    internal static CodeRow? Row(string code) =>
        Array.Find(Family.Rows, row => row.Codes.Split(' ').Contains(code)) is { } row ? row with { Codes = code } : ByClass(code);

    private static CodeRow? ByClass(string code) =>
        !int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? null
        : status is >= 400 and < 500 ? new(BadRequest, code)
        : status is >= 500 and < 600 ? new(InternalError, code)
        : null;
}
