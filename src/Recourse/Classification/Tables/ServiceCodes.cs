using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>Well-known services: SMTP replies, Stripe, Kubernetes, Elasticsearch.</summary>
internal static class ServiceCodes
{
    internal static readonly CodeFamily Smtp = new("smtp",
    [
        new(ServiceUnavailable, "421 450", Applied: Applied.No),
        new(ResourceLimit, "452"),
        new(TemporaryFailure, "451 432 455", Applied: Applied.No),
        new(Unauthorized, "454", Transient),
        new(BadRequest, "500 501 503"),
        new(NotSupported, "502 504 555"),
        new(Unauthorized, "530 534 535 538"),
        new(NotFound, "521 550 551 553 556"),
        new(PayloadTooLarge, "552"),
    ],
    ByFirstDigit, "mail esmtp");

    /// <summary>Stripe by HTTP status, error type and error code, as its own client libraries retry them.</summary>
    internal static readonly CodeFamily Stripe = new("stripe",
    [
        new(Conflict, "409 idempotency_key_in_use lock_timeout", Transient, Scope: RetryScope.Call),
        new(InternalError, "500 api_error"),
        new(ConnectionReset, "api_connection_error"),
        // The library leaves it to the caller: many clients retrying at once would keep the limit reached.
        new(RateLimitExceeded, "429 rate_limit rate_limit_error", Permanent),
        new(Unauthorized, "401 authentication_error api_key_expired"),
        new(Forbidden, "403 permission_error invalid_permissions"),
        new(NotFound, "404 resource_missing"),
        new(InsufficientFunds, "402 insufficient_funds balance_insufficient"),
        new(BusinessRuleViolation, "card_error card_declined expired_card incorrect_cvc incorrect_number fraudulent " +
            "authentication_required charge_already_captured charge_already_refunded"),
        new(TemporaryFailure, "processing_error", Persistence.Unknown),
        new(BadRequest, "400 invalid_request_error idempotency_error parameter_invalid_integer parameter_unknown"),
        new(MissingField, "parameter_missing"),
        new(Conflict, "424", Permanent),
    ],
    HttpCodes.Row);

    /// <summary>Kubernetes by the reason of its status object, or by HTTP status.</summary>
    internal static readonly CodeFamily Kubernetes = new("kubernetes",
    [
        new(FaultKind.Timeout, "Timeout ServerTimeout"),
        new(RateLimitExceeded, "TooManyRequests"),
        new(ServiceUnavailable, "ServiceUnavailable"),
        // Its own text says that the outcome is not known.
        new(InternalError, "InternalError StoreReadError StorageReadError", Persistence.Unknown),
        new(Unauthorized, "Unauthorized"),
        new(Forbidden, "Forbidden"),
        new(NotFound, "NotFound Gone Expired"),
        new(DuplicateRequest, "AlreadyExists", Applied: Applied.Maybe),
        new(Conflict, "Conflict"),
        new(ValidationError, "Invalid"),
        new(BadRequest, "BadRequest"),
        new(NotSupported, "MethodNotAllowed NotAcceptable UnsupportedMediaType"),
        new(PayloadTooLarge, "RequestEntityTooLarge"),
    ],
    CloudCodes.ByName, "k8s");

    /// <summary>Elasticsearch and OpenSearch by HTTP status or by the type of the exception.</summary>
    internal static readonly CodeFamily Elasticsearch = new("elasticsearch",
    [
        new(BadGateway, "502"),
        new(ServiceUnavailable, "503 unavailable_shards_exception no_shard_available_action_exception cluster_block_exception " +
            "master_not_discovered_exception node_not_connected_exception"),
        new(GatewayTimeout, "504"),
        new(RateLimitExceeded, "429 es_rejected_execution_exception circuit_breaking_exception"),
        new(FaultKind.Timeout, "408 process_cluster_event_timeout_exception receive_timeout_transport_exception"),
        new(InternalError, "500", Permanent),
        new(Conflict, "409 version_conflict_engine_exception"),
        new(NotFound, "404 index_not_found_exception resource_not_found_exception document_missing_exception"),
        new(ValidationError, "400 mapper_parsing_exception document_parsing_exception parsing_exception illegal_argument_exception " +
            "strict_dynamic_mapping_exception action_request_validation_exception"),
        new(DuplicateRequest, "resource_already_exists_exception"),
        new(Unauthorized, "401"),
        new(Forbidden, "403 security_exception"),
    ],
    HttpCodes.Row, "elastic opensearch");

    // RFC 5321: the first digit is the verdict, also in the enhanced form 4.7.0.
    private static CodeRow? ByFirstDigit(string code) =>
        code.Length < 3 ? null
        : code[0] == '4' ? new(TemporaryFailure, code, Applied: Applied.No)
        : code[0] == '5' ? new(BadRequest, code)
        : null;
}
