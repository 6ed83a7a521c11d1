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
            "will never succeed | unrecoverable | non recoverable | cannot be retried | should not retry | must not retry"),
        new(8, Conflict, Permanent, "has been modified please | to the latest version | at a higher level"),
        new(8, Unauthorized, Permanent,
            "check your credentials | check the credentials | check your password | verify your credentials | credentials and try"),
        new(8, ValidationError, Permanent,
            "correct the request | fix the request | correct your request | check your input | check the input | retry with a | " +
            "correct and | fix and | retry using | try again with a | try a different | try another"),
        new(8, OutOfMemory, Permanent, "restart server and | restart the server and"),
        new(7, DbSerializationFailure, Transient,
            "failed to commit | retry the transaction | retry your transaction | restarting transaction | rerun the transaction | " +
            "rerun your transaction | restart transaction | restart the transaction | retry transaction"),
        new(7, TemporaryFailure, Transient,
            "retry | retrying | retried | retryable | retriable | try again | again later | try later | later time | " +
            "try reconnecting | try restarting | please reconnect | try the statement | try the operation | try your operation | " +
            "try the request | try the query | rerun your | rerun the | rerun this | rerunning | statement later | " +
            "operation later | request later | query later | connection later | repeat later | it later | reissue the | " +
            "resubmit the | resend | redo the | repeat the request | please wait | wait and | transient | temporary failure | " +
            "temporary error | temporary problem | temporary issue | temporary condition | temporary network | temporary server | " +
            "temporary authentication failure | temporary outage | temporary overload | temporary unavailab* | temporarily | " +
            "back off | backoff | be timing related | timing condition"),
        new(7, ConnectionRefused, Transient, "establishing a connection | network related | could not open a connection"),
        new(7, DnsResolution, Transient, "no such host | host not found | unknown host"),
        new(7, RateLimitExceeded, Transient, "circuit breaking"),
        new(7, FaultKind.Timeout, Transient, "took too long | taking too long | waited too long | waiting too long"),
        new(7, ConnectionReset, Transient, "upstream connect error | eof occurred"),
        // Particular words for what stays.
        new(6, Unauthorized, Permanent,
            "authentication fail* | missing credential* | authentication required | authentication error | unauthorized | " +
            "unauthenticated | not authenticated | to be authenticated | invalid credential* | credentials invalid | " +
            "invalid password | wrong password | invalid username | invalid token | token is expired | token has expired | " +
            "token expired | login incorrect | access key | authentication credentials | provide credentials | api key | " +
            "using password | login failed | user not found | login denied | logon denied | unable to authenticate | " +
            "login was refused | password is incorrect | password are incorrect | user name or password | username or password | " +
            "not logged in | bad credentials"),
        new(6, Forbidden, Permanent,
            "permission denied | permission was denied | access denied | access is denied | not authorized | not authorised | " +
            "no permission* | authorization failed | not have permission | not have the rights | not permitted | forbidden | " +
            "command denied | insufficient access | insufficient permission* | insufficient scope | insufficient rights | " +
            "insufficient privilege* | not able to access | access refused | account is disabled | account is locked | " +
            "locked out | no auth | authorization violation | permissions violation | relay access | unwilling | privilege* | " +
            "security exception"),
        new(6, DbSyntaxError, Permanent,
            "syntax error | incorrect syntax | invalid syntax | invalid column name | invalid object name | unknown column | " +
            "unknown table | unknown command | command unrecognized | unknown operator | unrecognized | undefined | ambiguous | " +
            "parse error | parsing error | parsing exception | not properly ended | no viable alternative"),
        new(6, DbConstraintViolation, Permanent,
            "constraint violation | violates | violated | violation of | unique constraint* | unique index | constraint fail* | " +
            "duplicate key | duplicate entry | foreign key | integrity constraint | cannot be null | not null constraint | " +
            "check constraint | primary key | null into | depends on it"),
        new(6, TypeMismatch, Permanent,
            "type mismatch | data type | conversion failed | error converting | cannot convert | cannot be converted | " +
            "failed to parse | unable to parse | unparseable | unmarshal | invalid literal | failed to decode | " +
            "unexpected end of json | could not parse | failed to convert | deserialization | serialization error | " +
            "invalid format | invalid input | out of range | overflow | be truncated | too long"),
        new(6, ValidationError, Permanent,
            "validation fail* | validation error | validation exception | validation rule | failed validation | " +
            "failed the validation | invalid value | invalid argument | invalid parameter | invalid data | malformed | " +
            "bad request | bad parameter | bad value | bad sequence | invalid message | invalid request | invalid record | " +
            "invalid configuration | were invalid | rejected our request | parameter is incorrect | no scheme"),
        new(6, MissingField, Permanent,
            "missing required | required field | is required | missing the | have a default value | must contain | must provide | " +
            "not provided | not specified | parameter is missing"),
        new(6, NotFound, Permanent,
            "not found | does not exist | doesn t exist | do not exist | no such | could not find | can t find | cannot find | " +
            "cannot be found | could not be found | couldn t find | no longer exists | non existent | nonexistent | no suitable | " +
            "no matching | no rows | no node for | unknown database | unknown topic | been deleted | no address associated"),
        new(6, DuplicateRequest, Permanent,
            "already exists | already exist | file exists | node exists | name already in use | duplicate sequence | " +
            "already been processed | duplicate request"),
        new(6, NotSupported, Permanent,
            "not supported | unsupported | not implemented | unimplemented | does not support | not support the | not enabled | " +
            "unacceptable | not available in | not available from | is disabled | been disabled | does not allow | " +
            "not acceptable | incompatible | not been enabled"),
        new(6, PayloadTooLarge, Permanent,
            "too large | larger than | exceeds the maximum size | too big | exceeded storage | maximum payload | " +
            "exceeds the maximum allowed size | maximum file size"),
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
            "obtain a lock | acquire a lock | lock could not be obtained | lock not available | locking failure | is locked | " +
            "accessed by other users | used by another process | resource busy | lock resource* | waiting for lock | " +
            "trying to lock | lock busy | locks available | being used by another | exclusive access | error acquiring | " +
            "resource locked | acquire the lock | get lock | lock conflict | another process | another session | " +
            "another transaction | another request is | another operation"),
        new(5, DbSerializationFailure, Transient,
            "could not serialize | serialization failure | serializable | write conflict | snapshot isolation | " +
            "snapshot unavailable | updated since | update conflict | concurrent update | could not serialise | serialize access | " +
            "transaction was aborted | transaction aborted | transaction has been aborted | transaction was rolled back"),
        new(5, ConnectionRefused, Transient,
            "connection refused | actively refused | failed to connect | unable to connect | could not connect | cannot connect | " +
            "can not connect | can t connect | connect failure | connection could not be established | " +
            "no connection could be made | connection attempt failed | refused the connection | refused connection | " +
            "couldn t connect | connect error | connect failed | establish a new connection | could not establish | " +
            "unable to establish | failed to establish | can t contact | cannot contact | unable to contact | could not contact"),
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
            "connection interrupted | not connected | connection loss | connection failed | connection timed | " +
            "connection problem | connection issue | connection abort | connection shutdown | connection gone | " +
            "connection severed | closed connection | closed idle connection | dropped connection | bad connection | " +
            "stale connection | connection is stale | reset by peer | by the remote | by peer | from the peer | data to the peer | " +
            "remote end | remote host closed | remote host terminated | terminated the handshake | end of file on communication | " +
            "eof | failed sending | failed to send | failed to receive | failure when receiving | failure when sending | " +
            "error sending | error receiving | send failed | receive failed | empty reply | returned nothing | incomplete read | " +
            "network dropped | network problem | network issue | network interruption | network name | connection was killed | " +
            "connectivity | data connection | improperly terminated | properly terminated | was cut | no endpoint listening | " +
            "network connection was"),
        new(5, NetworkUnreachable, Transient,
            "network unreachable | network is unreachable | host unreachable | host is unreachable | no route to host | " +
            "host is down | unreachable | network is not available | network partition | not reachable | unable to reach | " +
            "could not reach | cannot reach | can t reach | no answer from | could be reached"),
        new(5, DnsResolution, Transient,
            "name resolution | resolve host | getaddrinfo | dns lookup | name resolution failure | server failure | servfail"),
        new(5, FaultKind.Timeout, Transient,
            "timed out | time out | timedout | timeout expired | timeout exceeded | timeout period | request timeout | " +
            "gateway timeout | gateway time | read timeout | connect timeout | connection timeout | network timeout | " +
            "operation timeout | wait timeout | timeout waiting | timeout occurred | timeout has occurred | internal timeout | " +
            "due to timeout | pool timeout | concern timeout | exceeded time limit | exceeds time limit | " +
            "exceeded the time limit | did not respond | not properly respond | responded in time | respond in time | " +
            "not responding | no response | idle timeout | timeout value was exceeded | timeout while | timeout when | " +
            "complete within | in the time allotted | within the time requested | reasonable time | server timeout | " +
            "execution timeout | waiting for a response"),
        new(5, RateLimitExceeded, Transient,
            "throttl* | rate limit* | rate exceeded | too many requests | request limit exceeded | request rate | slow down | " +
            "bandwidth limit | provisioned throughput | throughput exceed* | throughput limit | too many operations | " +
            "requests per second | requests per minute | requests per hour | reduce your | request quota | too many concurrent | " +
            "too many simultaneous | too many queries | too many calls | too many messages | too many pending | too many active | " +
            "too many jobs | exceeded rate | congest* | load management | maximum number of concurrent | rejected execution | " +
            "api too quickly | sending requests too"),
        new(5, DatabaseDown, Transient, "database is down | database down | database system is | database is not currently"),
        new(5, ServiceUnavailable, Transient,
            "service unavailable | service is unavailable | server unavailable | currently unavailable | is unavailable | " +
            "was unavailable | not currently available | out of service | unavailable at this time | not available | " +
            "not be available | server is busy | server busy | service busy | service is busy | system is busy | is busy | " +
            "currently busy | too busy | busy with | overload* | heavy load | bad gateway | down for maintenance | " +
            "under maintenance | maintenance mode | shutting down | will shut down | shutdown in progress | in shutdown | " +
            "at shutdown | quiesce mode | starting up | warming up | is starting | is loading | loading the | load in progress | " +
            "not yet started | not ready | recovery is in progress | is recovering | recovery mode | not been recovered | " +
            "in transition | in the middle of | failing over | failover | stepping down | stepped down | not primary | " +
            "not master | not the leader | not leader | no leader | leadership election | leader election | leader not | " +
            "not coordinator | waiting for coordinator | not the correct controller | in sync replicas | not enough replicas | " +
            "not enough good replicas | not enough hosts | not enough nodes | not enough members | insufficient replicas | " +
            "quorum | during rehashing | upgrade mode | older than the epoch | unable to handle the request | no healthy | " +
            "no alive nodes | no living connections | no available server* | no servers available | no server is available | " +
            "closing transmission | at this time | at this moment | at the moment | right now | problem persists | " +
            "error persists | issue persists | no live | unhealthy | already in progress | close in progress | " +
            "operation now in progress | initializing | restarting | draining | recovering | switchover | going down | is down | " +
            "queue is full | buffer full | cluster leader | leader changed | leader switch | leader failure | new leader | " +
            "not discovered | no master | no primary | not accepting | blocking new connections | backend error | backend fetch | " +
            "over capacity | at capacity | insufficient capacity | out of capacity | capacity exceeded | server stopped | " +
            "is stopped | was stopped | being stopped | being shut | being processed | being provisioned | being mounted | " +
            "being deleted | being created | being updated | being altered | being restored | responders available | " +
            "shard available | hosts available | host available | nodes available | node available | brokers available | " +
            "threads available | connections available | workers available | slots available | replicas available | " +
            "resources available | brokers are down | tried for query failed | not served by this | not host this | " +
            "does not currently know"),
        new(5, InternalError, Transient,
            "internal server error | internal failure | internal error please | error processing your request | " +
            "could not process your request | unexpected internal error | internal error occurred | internal error happened"),
        new(5, ResourceLimit, Transient,
            "too many connections | too many clients | too many sessions | too many users | too many threads | " +
            "too many processes | maximum connections | maximum number of connections | maximum number of sessions | " +
            "maximum number of processes | sessions exceeded | connections exceeded | buffer space | no buffer | " +
            "insufficient system resources | temporarily exhausted | too many open connections | number of clients | " +
            "connection pool | connection slots | too many open files | file descriptors | not enough resources | " +
            "insufficient resources | out of resources | resource exhausted | resources exhausted | not enough memory | " +
            "lack of resources | address already in use | memory resources | memory grant | resource shortage | pool exhausted | " +
            "insufficient system storage | insufficient storage"),
        // Words that lean one way and decide where nothing better stands.
        new(4, ValidationError, Permanent,
            "size limit exceeded | length limit | too many arguments | too many parameters | too many values | too many fields | " +
            "too many levels | too many links | too many columns | too many rows | too many redirects | too many incorrect | " +
            "too many failed | too many characters | too many terms | too many key | too many partitions | not recognized | " +
            "cannot parse | bounds of | outside the | unable to cast | not set to | not registered | could not load | " +
            "not present | no elements | unknown identifier | unknown field | count doesn t match | invalid | illegal | " +
            "incorrect | denied | missing | wrong | bad | declined | revoked | violation | is not valid | must be | must not | " +
            "not match | cannot be changed | cannot drop | cannot insert | cannot update | cannot create | cannot add | " +
            "cannot delete | not allowed | reserved | mismatch | wrong number | wrong type | not within | no corresponding | " +
            "must declare | not empty | not a | is a directory | expecting | unsuitable | unconfigured | unexpected frame | " +
            "no longer the current | not currently assigned | can only be"),
        new(2, Cancelled, Persistence.Unknown, "canceled | cancelled | interrupted | query aborted | purged"),
        new(3, FaultKind.Timeout, Transient, "timeout"),
        new(3, ResourceLimit, Transient, "been reached"),
        new(3, ServiceUnavailable, Transient,
            "unavailable | busy | disconnected | election | maintenance | upstream | misbehaving | waiting for | while waiting | " +
            "shutdown | shut down | stopping | terminating | not yet | still pending | still running | is stale | stale file | " +
            "rolled back | not running | inoperative | are occupied | rebooting | booting | mounting | sufficient capacity | " +
            "sufficient resources | quota metric | no more connections | all connections | shard is not active | not online | " +
            "not serving | offline | safe mode | requests limit exceeded | connection limit exceeded | session limit"),
        new(2, ConfigurationError, Permanent, "configur*"),
        new(1, OutOfMemory, Persistence.Unknown,
            "out of memory | memory limit | memory exhaust* | allocation failure | sort memory | insufficient memory"),
        new(4, DiskFull, Persistence.Unknown,
            "disk quota | disk full | disk is full | no space left | filegroup is full | storage full | or disk is full"),
        new(1, ResourceLimit, Persistence.Unknown, "quota exceeded | exceeded quota | over quota | quota has been | quota reached"),
        new(1, FileSystemError, Persistence.Unknown, "disk error | i o error | io error | file system | filesystem"),
        new(1, ProcessCrashed, Persistence.Unknown, "process crash* | crashed | segmentation fault | process exited"),
        new(1, InternalError, Persistence.Unknown,
            "unhandled exception | unexpected error | unknown error | internal error | server error"),
    ];
}
