using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// Kafka error codes: positive ones come from the broker, those below -1 from the client library. Moved leaders and coordinators pass once
/// the metadata has been read again, which clients do by themselves.
/// </summary>
internal static class KafkaCodes
{
    internal static readonly CodeFamily Family = new("kafka",
    [
        new(TemporaryFailure, "3=UNKNOWN_TOPIC_OR_PARTITION 5=LEADER_NOT_AVAILABLE 6=NOT_LEADER_FOR_PARTITION=NOT_LEADER_OR_FOLLOWER " +
            "9=REPLICA_NOT_AVAILABLE 14=COORDINATOR_LOAD_IN_PROGRESS=GROUP_LOAD_IN_PROGRESS " +
            "15=COORDINATOR_NOT_AVAILABLE=GROUP_COORDINATOR_NOT_AVAILABLE 16=NOT_COORDINATOR=NOT_COORDINATOR_FOR_GROUP " +
            "41=NOT_CONTROLLER 70=FETCH_SESSION_ID_NOT_FOUND 71=INVALID_FETCH_SESSION_EPOCH 72=LISTENER_NOT_FOUND " +
            "74=FENCED_LEADER_EPOCH 75=UNKNOWN_LEADER_EPOCH 78=OFFSET_NOT_AVAILABLE 80=PREFERRED_LEADER_NOT_AVAILABLE " +
            "83=ELIGIBLE_LEADERS_NOT_AVAILABLE 84=ELECTION_NOT_NEEDED 88=UNSTABLE_OFFSET_COMMIT -180=_WAIT_COORD", Applied: Applied.No),
        new(ServiceUnavailable, "8=BROKER_NOT_AVAILABLE 19=NOT_ENOUGH_REPLICAS -137=_DESTROY_BROKER", Applied: Applied.No),
        // The leader has written the records and too few followers have.
        new(ServiceUnavailable, "20=NOT_ENOUGH_REPLICAS_AFTER_APPEND"),
        new(FaultKind.Timeout, "7=REQUEST_TIMED_OUT -185=_TIMED_OUT"),
        new(FaultKind.Timeout, "-166=_TIMED_OUT_QUEUE", Applied: Applied.No),
        new(ConnectionReset, "13=NETWORK_EXCEPTION -195=_TRANSPORT"),
        // Damaged on the way: the checksum of the broker does not match.
        new(ValidationError, "2=CORRUPT_MESSAGE=INVALID_MSG", Transient),
        new(FileSystemError, "56=KAFKA_STORAGE_ERROR", Transient),
        new(TlsFailure, "-181=_SSL", Transient),
        new(FaultKind.Timeout, "-192=_MSG_TIMED_OUT", Permanent),
        new(DnsResolution, "-193=_RESOLVE", Permanent),
        new(ServiceUnavailable, "-187=_ALL_BROKERS_DOWN", Permanent),
        new(ResourceLimit, "-184=_QUEUE_FULL -194=_CRIT_SYS_RESOURCE 81=GROUP_MAX_SIZE_REACHED", Permanent),
        new(FileSystemError, "-189=_FS 57=LOG_DIR_NOT_FOUND", Permanent),
        new(PayloadTooLarge, "10=MESSAGE_TOO_LARGE 18=RECORD_LIST_TOO_LARGE 12=OFFSET_METADATA_TOO_LARGE"),
        new(Forbidden, "29=TOPIC_AUTHORIZATION_FAILED 30=GROUP_AUTHORIZATION_FAILED 31=CLUSTER_AUTHORIZATION_FAILED " +
            "53=TRANSACTIONAL_ID_AUTHORIZATION_FAILED 65=DELEGATION_TOKEN_AUTHORIZATION_FAILED"),
        new(Unauthorized, "58=SASL_AUTHENTICATION_FAILED 66=DELEGATION_TOKEN_EXPIRED 62=DELEGATION_TOKEN_NOT_FOUND " +
            "-169=_AUTHENTICATION"),
        new(NotFound, "69=GROUP_ID_NOT_FOUND -188=_UNKNOWN_TOPIC -190=_UNKNOWN_PARTITION -179=_UNKNOWN_GROUP -156=_NOENT " +
            "-168=_NO_OFFSET"),
        new(DuplicateRequest, "36=TOPIC_ALREADY_EXISTS 46=DUPLICATE_SEQUENCE_NUMBER"),
        new(Conflict, "22=ILLEGAL_GENERATION 25=UNKNOWN_MEMBER_ID 27=REBALANCE_IN_PROGRESS 45=OUT_OF_ORDER_SEQUENCE_NUMBER " +
            "47=INVALID_PRODUCER_EPOCH 48=INVALID_TXN_STATE 51=CONCURRENT_TRANSACTIONS 52=TRANSACTION_COORDINATOR_FENCED " +
            "60=REASSIGNMENT_IN_PROGRESS 77=STALE_BROKER_EPOCH 79=MEMBER_ID_REQUIRED 82=FENCED_INSTANCE_ID 11=STALE_CONTROLLER_EPOCH " +
            "-144=_FENCED -172=_STATE -173=_CONFLICT"),
        new(NotSupported, "33=UNSUPPORTED_SASL_MECHANISM 35=UNSUPPORTED_VERSION 43=UNSUPPORTED_FOR_MESSAGE_FORMAT " +
            "76=UNSUPPORTED_COMPRESSION_TYPE -165=_UNSUPPORTED_FEATURE -170=_NOT_IMPLEMENTED -171=_UNKNOWN_PROTOCOL"),
        new(ConfigurationError, "40=INVALID_CONFIG 44=POLICY_VIOLATION 54=SECURITY_DISABLED 61=DELEGATION_TOKEN_AUTH_DISABLED " +
            "73=TOPIC_DELETION_DISABLED -186=_INVALID_ARG -145=_NOT_CONFIGURED"),
        new(ValidationError, "4=INVALID_FETCH_SIZE 17=INVALID_TOPIC_EXCEPTION 32=INVALID_TIMESTAMP 87=INVALID_RECORD " +
            "-162=_KEY_SERIALIZATION -161=_VALUE_SERIALIZATION -160=_KEY_DESERIALIZATION -159=_VALUE_DESERIALIZATION -199=_BAD_MSG " +
            "-198=_BAD_COMPRESSION -138=_INVALID_DIFFERENT_RECORD"),
        new(InternalError, "-1=UNKNOWN -150=_FATAL -153=_RETRY", Permanent),
    ],
    code => new CodeRow(FaultKind.Unknown, code, Permanent), "librdkafka confluent");
}
