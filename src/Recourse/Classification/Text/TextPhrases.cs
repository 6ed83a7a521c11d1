using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Phrases;

/// <summary>
/// Phrases that mean the same. <paramref name="Phrases"/> are lower-case words separated by " | ", matched as whole words whatever stands
/// between them; a star at the end stands for any ending of the last word. Of all phrases in a text the one with the greatest weight
/// decides.
/// </summary>
internal sealed record PhraseRow(int Weight, FaultKind Kind, Persistence Persistence, string Phrases);

/// <summary>
/// What people and programs write when something fails, as general phrases and not as the lines of one product. Odd weights speak for
/// "passes", even ones for "stays", so that no two of them tie; Unknown means that the words tell what happened and not whether it passes.
/// </summary>
internal static class TextPhrases
{
    internal static readonly PhraseRow[] Rows =
    [
        // Plain words about repeating, or about what has to be done before.
        new(9, BadRequest, Permanent,
            "do not retry | not be retried | not retryable | non retryable | not retriable | non retriable | retrying will not | " +
            "will never succeed | unrecoverable | non recoverable"),
        new(8, Conflict, Permanent, "has been modified please | to the latest version | at a higher level"),
        new(8, Unauthorized, Permanent,
            "check your credentials | check the credentials | check your password | verify your credentials | credentials and try"),
        new(8, ValidationError, Permanent,
            "correct the request | fix the request | correct your request | check your input | check the input"),
        new(8, OutOfMemory, Permanent, "restart server and | restart the server and"),
        new(7, DbSerializationFailure, Transient,
            "failed to commit | retry the transaction | retry your transaction | restarting transaction | rerun the transaction | " +
            "rerun your transaction"),
        new(7, TemporaryFailure, Transient,
            "retry the | retrying the | please retry | retry your | retry this | retry later | retry after | retry it | " +
            "retry and | retry in | then retry | and retry | to retry | can retry | should retry | must retry | may retry | " +
            "retry recovery | retry login | try again | try later | try the statement | try the operation | try your operation | " +
            "try the request | try the query | try reconnecting | rerun your | rerun the | rerun this | please rerun | " +
            "reissue the | resubmit the | resend the | please wait | wait and | be transient | transient | temporary failure | " +
            "temporary error | temporary problem | temporary issue | temporary condition | temporary network | temporary server | " +
            "temporary authentication failure | temporary outage | temporarily | is retryable | be retried | safe to retry | " +
            "back off | be timing related | timing condition"),
        new(7, ConnectionRefused, Transient, "establishing a connection | network related | could not open a connection"),
        new(7, DnsResolution, Transient, "no such host | host not found | unknown host"),
        new(7, RateLimitExceeded, Transient, "circuit breaking"),
        // Particular words for what stays.
        new(6, Unauthorized, Permanent,
            "authentication fail* | missing credential* | authentication required | authentication error | unauthorized | " +
            "unauthenticated | not authenticated | to be authenticated | invalid credential* | credentials invalid | " +
            "invalid password | wrong password | invalid username | invalid token | token is expired | token has expired | " +
            "token expired | login incorrect | access key | authentication credentials | provide credentials | api key | " +
            "using password | login failed | user not found"),
        new(6, Forbidden, Permanent,
            "permission denied | permission was denied | access denied | access is denied | not authorized | not authorised | " +
            "no permission* | authorization failed | not have permission | not have the rights | not permitted | forbidden | " +
            "command denied | insufficient privilege* | not able to access | access refused | account is disabled | privilege* | " +
            "security exception"),
        new(6, DbSyntaxError, Permanent,
            "syntax error | incorrect syntax | invalid syntax | invalid column name | invalid object name | unknown column | " +
            "unknown table | unknown command | command unrecognized | unknown operator | unrecognized | undefined | ambiguous | " +
            "parse error | parsing error | parsing exception"),
        new(6, DbConstraintViolation, Permanent,
            "constraint violation | violates | violation of | unique constraint* | unique index | constraint fail* | " +
            "duplicate key | duplicate entry | foreign key | integrity constraint | cannot be null | not null constraint | " +
            "check constraint | primary key"),
        new(6, TypeMismatch, Permanent,
            "type mismatch | data type | conversion failed | error converting | cannot convert | cannot be converted | " +
            "failed to parse | unable to parse | could not parse | failed to convert | deserialization | serialization error | " +
            "invalid format | invalid input | out of range | overflow | be truncated | too long"),
        new(6, ValidationError, Permanent,
            "validation fail* | validation error | validation exception | validation rule | failed validation | " +
            "failed the validation | invalid value | invalid argument | invalid parameter | invalid data | malformed | " +
            "bad request | bad parameter | bad value | bad sequence | invalid message | invalid request | invalid record | " +
            "invalid configuration | were invalid | rejected our request"),
        new(6, MissingField, Permanent,
            "missing required | required field | is required | missing the | have a default value | must contain | must provide"),
        new(6, NotFound, Permanent,
            "not found | does not exist | doesn t exist | do not exist | no such | could not find | can t find | cannot find | " +
            "cannot be found | unknown database | unknown topic | been deleted | no address associated"),
        new(6, DuplicateRequest, Permanent,
            "already exists | already exist | duplicate sequence | already been processed | duplicate request"),
        new(6, NotSupported, Permanent,
            "not supported | unsupported | not implemented | unimplemented | does not support | not support the | not enabled | " +
            "is disabled | been disabled | does not allow | not acceptable"),
        new(6, PayloadTooLarge, Permanent, "too large | larger than | exceeds the maximum size | too big | exceeded storage"),
        new(6, TlsFailure, Permanent, "certificate | certificates | self signed | crl | handshake failure | handshake failed"),
        new(6, BusinessRuleViolation, Permanent, "business rule* | was declined | been declined"),
        new(6, InsufficientFunds, Permanent, "insufficient funds | insufficient balance"),
        new(6, Conflict, Permanent,
            "version conflict | optimistic concurrency | concurrent modification* | precondition failed | failed precondition | " +
            "too old | old epoch"),
        new(6, ProcessCrashed, Permanent, "data corruption | data loss | corrupted page | corrupt index | corrupted"),
        new(6, ConfigurationError, Permanent,
            "configuration error | invalid config | misconfigur* | configuration is | bad configuration"),
        new(6, DnsResolution, Persistence.Unknown, "name or service not known"),
        new(6, DeadlineExceeded, Persistence.Unknown, "deadline exceeded"),
        // Particular words for what passes.
        new(5, DbDeadlock, Transient, "deadlock* | dead lock"),
        new(5, DbLockTimeout, Transient,
            "lock wait timeout | lock request time out | lock timeout | lock acquisition timeout | obtain lock | acquire lock | " +
            "obtain a lock | acquire a lock | lock could not be obtained | lock not available | locking failure | " +
            "database is locked | table is locked | is locked by | accessed by other users | used by another process | " +
            "resource busy | lock resource* | waiting for lock | trying to lock | lock busy"),
        new(5, DbSerializationFailure, Transient,
            "could not serialize | serialization failure | serializable | write conflict | snapshot isolation | " +
            "snapshot unavailable | updated since | update conflict | concurrent update | could not serialise"),
        new(5, ConnectionRefused, Transient,
            "connection refused | actively refused | failed to connect | unable to connect | could not connect | cannot connect | " +
            "can not connect | can t connect | couldn t connect | connect failure | connection could not be established | " +
            "no connection could be made | connection attempt failed | refused the connection | refused connection"),
        new(5, ConnectionReset, Transient,
            "connection reset | connection was reset | connection closed | connection was closed | connection is closed | " +
            "connection has been closed | closed the connection | connection lost | lost connection | lost the connection | " +
            "connection was lost | connection aborted | connection was aborted | forced connection | connection forced | " +
            "forcibly closed | broken pipe | socket hang up | socket closed | socket exception | socket error | network error | " +
            "network failure | network is down | network exception | transport failure | transport level error | transport error | " +
            "transport connection | server disconnected | disconnected before | has gone away | link failure | " +
            "communication error | communications error | communication problem | communication failure | error communicating | " +
            "connection error | connection failure | terminating connection | connection terminated | connection dropped | " +
            "unexpected eof | premature end | unexpected end of | reading from stream | writing to stream | end of the pipe | " +
            "during the login process | receiving a message | sending a message | response ended prematurely | connection broken | " +
            "connection interrupted | not connected"),
        new(5, NetworkUnreachable, Transient,
            "network unreachable | network is unreachable | host unreachable | host is unreachable | no route to host | " +
            "host is down | unreachable | network is not available"),
        new(5, DnsResolution, Transient, "name resolution | resolve host | getaddrinfo | dns lookup | name resolution failure"),
        new(5, FaultKind.Timeout, Transient,
            "timed out | time out | timedout | timeout expired | timeout exceeded | timeout period | request timeout | " +
            "gateway timeout | gateway time | read timeout | connect timeout | connection timeout | network timeout | " +
            "operation timeout | wait timeout | timeout waiting | timeout occurred | timeout has occurred | internal timeout | " +
            "due to timeout | pool timeout | concern timeout | exceeded time limit | exceeds time limit | " +
            "exceeded the time limit | did not respond | not properly respond | responded in time | respond in time | " +
            "not responding | no response | idle timeout | timeout value was exceeded | timeout while | timeout when | " +
            "complete within | in the time allotted | within the time requested | reasonable time | server timeout | " +
            "execution timeout"),
        new(5, RateLimitExceeded, Transient,
            "throttl* | rate limit* | rate exceeded | too many requests | request limit exceeded | request rate | slow down | " +
            "bandwidth limit | provisioned throughput | throughput exceed* | throughput limit | too many operations | " +
            "requests per second | too many concurrent | load management | maximum number of concurrent | rejected execution | " +
            "api too quickly | sending requests too"),
        new(5, DatabaseDown, Transient, "database is down | database down | database system is | database is not currently"),
        new(5, ServiceUnavailable, Transient,
            "service unavailable | service is unavailable | server unavailable | currently unavailable | is unavailable | " +
            "was unavailable | not currently available | out of service | unavailable at this time | not available | " +
            "not be available | server is busy | server busy | service busy | service is busy | system is busy | is busy | " +
            "currently busy | too busy | busy with | overload* | heavy load | bad gateway | down for maintenance | " +
            "service is down | server is down | under maintenance | maintenance mode | " +
            "shutting down | will shut down | shutdown in progress | in shutdown | at shutdown | quiesce mode | starting up | " +
            "warming up | is starting | is loading | loading the | load in progress | not yet started | not ready | " +
            "recovery is in progress | is recovering | recovery mode | not been recovered | in transition | in the middle of | " +
            "failing over | failover | stepping down | stepped down | not primary | not master | not the leader | not leader | " +
            "no leader | leadership election | leader election | leader not | not coordinator | waiting for coordinator | " +
            "not the correct controller | in sync replicas | not enough replicas | not enough good replicas | " +
            "insufficient replicas | quorum | cluster is down | master is down | during rehashing | upgrade mode | " +
            "older than the epoch | unable to handle the request | no healthy | no alive nodes | no living connections | " +
            "no available server* | no servers available | no server is available | closing transmission | at this time"),
        new(5, InternalError, Transient,
            "internal server error | internal failure | error processing your request | could not process your request | " +
            "unexpected internal error | internal error occurred | internal error happened"),
        new(5, ResourceLimit, Transient,
            "too many connections | too many clients | too many open connections | number of clients | connection pool | " +
            "connection slots | too many open files | file descriptors | not enough resources | insufficient resources | " +
            "resource exhausted | resources exhausted | not enough memory | lack of resources | address already in use | " +
            "memory resources | memory grant | resource shortage | pool exhausted | insufficient system storage | " +
            "insufficient storage"),
        // Words that lean one way and decide where nothing better stands.
        new(4, ValidationError, Permanent,
            "invalid | is not valid | must be | must not | not match | cannot be changed | cannot drop | cannot insert | " +
            "cannot update | cannot create | cannot add | cannot delete | not allowed | too many arguments | too many columns | " +
            "reserved | mismatch | wrong number | wrong type | not within | no corresponding | must declare | unexpected frame | " +
            "no longer the current | not currently assigned | can only be"),
        new(4, Cancelled, Persistence.Unknown, "canceled | cancelled | interrupted | query aborted | purged"),
        new(3, FaultKind.Timeout, Transient, "timeout"),
        new(3, ResourceLimit, Transient, "been reached"),
        new(3, ServiceUnavailable, Transient, "unavailable | busy | disconnected | election"),
        new(2, ConfigurationError, Permanent, "configur*"),
        new(1, OutOfMemory, Persistence.Unknown,
            "out of memory | memory limit | memory exhaust* | allocation failure | sort memory | insufficient memory"),
        new(1, DiskFull, Persistence.Unknown,
            "disk full | disk is full | no space left | filegroup is full | storage full | or disk is full"),
        new(1, FileSystemError, Persistence.Unknown, "disk error | i o error | io error | file system | filesystem"),
        new(1, ProcessCrashed, Persistence.Unknown, "process crash* | crashed | segmentation fault | process exited"),
        new(1, InternalError, Persistence.Unknown,
            "unhandled exception | unexpected error | unknown error | internal error | server error"),
    ];
}
