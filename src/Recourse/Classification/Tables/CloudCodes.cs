using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>Error codes of AWS services and of Azure (Service Bus reasons, Cosmos and storage). Names that end alike mean alike.</summary>
internal static class CloudCodes
{
    internal static readonly CodeFamily Aws = new("aws",
    [
        new(RateLimitExceeded, "Throttling ThrottlingException ThrottledException RequestThrottledException RequestThrottled " +
            "TooManyRequestsException ProvisionedThroughputExceededException TransactionInProgressException RequestLimitExceeded " +
            "BandwidthLimitExceeded LimitExceededException SlowDown PriorRequestNotComplete EC2ThrottledException"),
        new(FaultKind.Timeout, "RequestTimeout RequestTimeoutException"),
        new(InternalError, "InternalServerError InternalFailure InternalError InternalServerException"),
        new(ServiceUnavailable, "ServiceUnavailable ServiceUnavailableException"),
        new(ResourceLimit, "ItemCollectionSizeLimitExceededException"),
        // The clock of the caller is off; the SDK corrects it and signs again, which is another request with the same content.
        new(Unauthorized, "AuthFailure InvalidSignatureException RequestExpired RequestInTheFuture RequestTimeTooSkewed " +
            "SignatureDoesNotMatch UnrecognizedClientException", Transient, Scope: RetryScope.Reread),
        // The body was damaged on the way.
        new(ValidationError, "BadDigest", Transient),
        new(Forbidden, "AccessDeniedException AccessDenied UnauthorizedOperation"),
        new(Unauthorized, "IncompleteSignatureException MissingAuthenticationTokenException ExpiredToken ExpiredTokenException " +
            "InvalidClientTokenId"),
        new(DbSerializationFailure, "TransactionConflictException ReplicatedWriteConflictException"),
        new(TemporaryFailure, "OperationAborted", Applied: Applied.No),
        new(ResourceLimit, "InsufficientInstanceCapacity InsufficientCapacity InsufficientHostCapacity"),
        new(ServiceUnavailable, "IDPCommunicationError KMSInternalException"),
        new(Conflict, "ConditionalCheckFailedException ResourceInUseException TransactionCanceledException ConflictException"),
        new(NotFound, "ResourceNotFoundException NoSuchKey NoSuchBucket QueueDoesNotExist"),
        new(ValidationError, "ValidationException ValidationError"),
    ],
    ByName, "amazon s3 dynamodb sqs sns");

    internal static readonly CodeFamily Azure = new("azure",
    [
        new(FaultKind.Timeout, "408 ServiceTimeout OperationTimedOut"),
        new(RateLimitExceeded, "429 ServiceBusy ServerBusy TooManyRequests"),
        new(ServiceUnavailable, "503 ServiceCommunicationProblem"),
        // Cosmos answers 410 while a partition moves.
        new(TemporaryFailure, "410 449"),
        new(InternalError, "500 GeneralError", Permanent),
        new(TemporaryFailure, "ContainerBeingDeleted QueueBeingDeleted ShareBeingDeleted TableBeingDeleted AccountBeingCreated",
            Applied: Applied.No),
        new(Conflict, "ConditionNotMet LeaseAlreadyPresent LeaseLost LeaseIdMissing LeaseIdMismatchWithBlobOperation " +
            "SequenceNumberConditionNotMet AppendPositionConditionNotMet"),
        new(BadRequest, "400"),
        new(Unauthorized, "401 Unauthorized AuthenticationFailed"),
        new(Forbidden, "403"),
        new(NotFound, "404 MessagingEntityNotFound MessageNotFound"),
        new(Conflict, "409 412 MessageLockLost SessionLockLost SessionCannotBeLocked"),
        new(DuplicateRequest, "MessagingEntityAlreadyExists"),
        new(PayloadTooLarge, "MessageSizeExceeded"),
        new(ConfigurationError, "MessagingEntityDisabled"),
        new(ResourceLimit, "QuotaExceeded", Permanent),
    ],
    ByName, "servicebus cosmos cosmosdb azurestorage");

    /// <summary>What a status code, or a name in the manner of web services, says by its words.</summary>
    internal static CodeRow? ByName(string code)
    {
        if (HttpCodes.Row(code) is { } row) return row;
        return Any("Throttl", "TooManyRequests", "SlowDown", "RateLimit", "RateExceeded") ? new(RateLimitExceeded, code)
            : Has("Timeout") || Has("TimedOut") ? new(FaultKind.Timeout, code)
            : Has("Unavailable") ? new(ServiceUnavailable, code)
            : Has("InternalServer") || Has("InternalError") || Has("InternalFailure") || Has("InternalException") ? new(InternalError, code)
            : Has("AccessDenied") || Has("Forbidden") || Has("NotAuthorized") || Has("Permission") ? new(Forbidden, code)
            : Any("Unauthorized", "Unauthenticated", "Credential", "Token", "Authentic") ? new(Unauthorized, code)
            : Has("NotFound") || Has("DoesNotExist") || code.StartsWith("NoSuch", StringComparison.OrdinalIgnoreCase) ? new(NotFound, code)
            : Has("AlreadyExists") || Has("Duplicate") ? new(DuplicateRequest, code)
            : Has("Conflict") || Has("ConditionalCheck") || Has("PreconditionFailed") ? new(Conflict, code)
            : Has("TooLarge") ? new(PayloadTooLarge, code)
            : Has("Invalid") || Has("Malformed") || Has("Validation") || Has("Missing") ? new(ValidationError, code)
            : Has("NotSupported") || Has("NotImplemented") || Has("Unsupported") ? new(NotSupported, code)
            : null;

        bool Any(params ReadOnlySpan<string> words)
        {
            foreach (var word in words)
            {
                if (Has(word)) return true;
            }

            return false;
        }

        bool Has(string word) => code.Contains(word, StringComparison.OrdinalIgnoreCase);
    }
}
