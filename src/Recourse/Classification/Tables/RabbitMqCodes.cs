using static Recourse.FaultKind;

namespace Recourse.Tables;

/// <summary>AMQP 0-9-1 reply codes. The standard leaves open whether some of them pass; so does this table.</summary>
internal static class RabbitMqCodes
{
    internal static readonly CodeFamily Family = new("rabbitmq",
    [
        new(ConnectionReset, "320=CONNECTION-FORCED=CONNECTION_FORCED"),
        new(PayloadTooLarge, "311=CONTENT-TOO-LARGE=CONTENT_TOO_LARGE", Persistence.Unknown),
        new(NotFound, "312=NO-ROUTE=NO_ROUTE", Persistence.Unknown),
        new(ServiceUnavailable, "313=NO-CONSUMERS=NO_CONSUMERS", Persistence.Unknown, Applied: Applied.No),
        new(ConfigurationError, "402=INVALID-PATH=INVALID_PATH", Persistence.Unknown),
        new(Conflict, "405=RESOURCE-LOCKED=RESOURCE_LOCKED", Persistence.Unknown),
        new(ResourceLimit, "506=RESOURCE-ERROR=RESOURCE_ERROR", Persistence.Unknown),
        new(InternalError, "541=INTERNAL-ERROR=INTERNAL_ERROR", Persistence.Unknown),
        new(Forbidden, "403=ACCESS-REFUSED=ACCESS_REFUSED 530=NOT-ALLOWED=NOT_ALLOWED"),
        new(NotFound, "404=NOT-FOUND=NOT_FOUND"),
        new(Conflict, "406=PRECONDITION-FAILED=PRECONDITION_FAILED"),
        new(BadRequest, "501=FRAME-ERROR=FRAME_ERROR 502=SYNTAX-ERROR=SYNTAX_ERROR 503=COMMAND-INVALID=COMMAND_INVALID " +
            "504=CHANNEL-ERROR=CHANNEL_ERROR 505=UNEXPECTED-FRAME=UNEXPECTED_FRAME"),
        new(NotSupported, "540=NOT-IMPLEMENTED=NOT_IMPLEMENTED"),
    ],
    Otherwise: null, "amqp amqp091");
}
