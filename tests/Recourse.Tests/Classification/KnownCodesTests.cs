namespace Recourse.Tests.Classification;

/// <summary>
/// Codes that everybody meets, of families for which no file of answers is at hand, and of those that are wider than their file. Each group
/// names the document that says so.
/// </summary>
public sealed class KnownCodesTests
{
    private const Persistence Passes = Persistence.Transient;
    private const Persistence Stays = Persistence.Permanent;

    [Theory]
    // Oracle Database Error Messages; WebLogic's fatal codes (3113 3114 1033 1034 1089 1090); Spring's table (54 60 8177).
    [InlineData("oracle", Passes, "60 54 8177 30006 1033 1034 1089 1090 3113 3114 3135 12541 12514 12170 28 1012 4020 ORA-00060 ORA-12541")]
    [InlineData("oracle", Stays, "1 1400 1722 942 904 900 1017 1031 2291 2292 12899 28000 ORA-00942 17002")]
    // Db2 messages (SQL0911N and others); WebLogic's fatal codes; Spring's table.
    [InlineData("db2", Passes, "-911 -913 -30081 -30080 -1224 -1035 -1218 -4499 -30108 SQL0911N SQL30081N")]
    [InlineData("db2", Stays, "-803 -407 -530 -204 -206 -104 -551 -904 SQL0803N")]
    // org.h2.api.ErrorCode; Spring's table.
    [InlineData("h2", Passes, "50200 40001 90067")]
    [InlineData("h2", Stays, "23505 23502 42102 42000 22001 22018 90046")]
    // Derby's SQLState; Spring's table.
    [InlineData("derby", Passes, "40001 40XL1 40XL2")]
    [InlineData("derby", Stays, "23505 42X01 42X05 22001 X0Y32 42Y07")]
    // Sybase ASE error messages; Spring's table.
    [InlineData("sybase", Passes, "1205 12205 921 1105")]
    [InlineData("sybase", Stays, "2601 207 208 102 547")]
    // Neo4j status codes: the second part is the verdict, but for five (IsRetriable of its drivers for Go, Rust and JavaScript).
    [InlineData("neo4j", Passes, "Neo.TransientError.Transaction.DeadlockDetected Neo.TransientError.General.DatabaseUnavailable " +
        "Neo.TransientError.Transaction.BookmarkTimeout Neo.TransientError.Cluster.ReplicationFailure Neo.ClientError.Cluster.NotALeader " +
        "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase Neo.ClientError.Security.AuthorizationExpired")]
    [InlineData("neo4j", Stays, "Neo.ClientError.Statement.SyntaxError Neo.ClientError.Security.Unauthorized " +
        "Neo.ClientError.Schema.ConstraintValidationFailed Neo.DatabaseError.General.UnknownError Neo.ClientError.Security.TokenExpired " +
        "Neo.TransientError.Transaction.Terminated Neo.TransientError.Transaction.LockClientStopped")]
    // Cassandra's native_protocol_v4.spec, section 9; onErrorResponse of DataStax's default retry policy.
    [InlineData("cassandra", Passes, "UNAVAILABLE 0x1001 4098 WRITE_TIMEOUT ReadTimeout SERVER_ERROR")]
    [InlineData("cassandra", Stays, "0x2200 8192 UNAUTHORIZED AlreadyExists READ_FAILURE WriteFailure 0x0100")]
    // KeeperException.Code; RetryLoop of Apache Curator.
    [InlineData("zookeeper", Passes, "CONNECTIONLOSS -7 SESSION_EXPIRED SessionMoved")]
    [InlineData("zookeeper", Stays, "NONODE -102 BadVersion NODE_EXISTS -114")]
    // BigQuery, error messages; AIP-194 (only UNAVAILABLE is repeated without being asked for).
    [InlineData("gcp", Passes, "backendError rateLimitExceeded internalError UNAVAILABLE ABORTED 503 502")]
    [InlineData("gcp", Stays, "accessDenied quotaExceeded invalidQuery notFound duplicate billingNotEnabled 404 400")]
    // RFC 5321, 4.2.1: 4yz passes, 5yz stays.
    [InlineData("smtp", Passes, "421 450 451 452 454 455 432 4.7.0")]
    [InlineData("smtp", Stays, "500 501 502 503 504 530 535 550 551 552 553 554 555 5.1.1")]
    // Stripe's client libraries retry 409 and 5xx and leave 429 to the caller.
    [InlineData("stripe", Passes, "409 500 502 503 504 lock_timeout api_error api_connection_error")]
    [InlineData("stripe", Stays, "400 401 402 403 404 429 card_declined card_error resource_missing parameter_missing rate_limit")]
    // Kubernetes API conventions and StatusReason.
    [InlineData("kubernetes", Passes, "Timeout ServerTimeout TooManyRequests ServiceUnavailable")]
    [InlineData("kubernetes", Stays, "NotFound AlreadyExists Conflict Invalid Forbidden Unauthorized BadRequest Gone MethodNotAllowed")]
    // Elasticsearch clients retry 502, 503, 504.
    [InlineData("elasticsearch", Passes, "502 503 504")]
    [InlineData("elasticsearch", Stays, "400 401 403 404 index_not_found_exception mapper_parsing_exception")]
    public void A_family_without_a_file_of_answers_says_what_its_documents_say(string family, Persistence persistence, string codes) =>
        Check(family, persistence, codes);

    [Theory]
    // Microsoft's list of transient errors of Azure SQL, and SqlClient's.
    [InlineData("sqlserver", Passes, "4060 40197 40501 40613 49918 49919 49920 4221 10928 10929 615 926 18401 1205 64 233 10053 " +
        "10054 10060")]
    [InlineData("sqlserver", Stays, "-2 547 2627 2601 208 207 102 18456 229")]
    [InlineData("mysql", Passes, "1040 1205 1213 2002 2003 2006 2013")]
    [InlineData("mysql", Stays, "1045 1062 1064 1146 1451 1452 1048 1054")]
    // RFC 9110 by class, and what proxies add.
    [InlineData("http", Passes, "408 429 500 502 503 504 507 509 520 521 522 523 524 529 598 599")]
    [InlineData("http", Stays, "400 401 402 403 404 405 406 409 410 411 412 413 414 415 416 417 418 421 422 423 424 426 428 431 451 499")]
    [InlineData("postgres", Passes, "40001 40P01 08006 57P01 57P03 53300 55P03")]
    [InlineData("postgres", Stays, "23505 23503 42P01 42601 22P02 28P01 3D000 0A000 54000 22012 21000 2201B 42P07 XX000")]
    [InlineData("grpc", Passes, "14 UNAVAILABLE Unavailable")]
    [InlineData("grpc", Stays, "3 5 6 7 9 11 12 16 InvalidArgument NOT_FOUND")]
    [InlineData("redis", Passes, "LOADING BUSY TRYAGAIN CLUSTERDOWN MASTERDOWN READONLY OOM MOVED ASK NOREPLICAS")]
    [InlineData("redis", Stays, "WRONGTYPE NOSCRIPT NOAUTH NOPERM EXECABORT CROSSSLOT")]
    [InlineData("azure", Passes, "ServerBusy OperationTimedOut ContainerBeingDeleted InternalError 429 503")]
    [InlineData("azure", Stays, "BlobNotFound ContainerAlreadyExists ConditionNotMet LeaseAlreadyPresent AuthenticationFailed InvalidUri")]
    [InlineData("aws", Passes, "ThrottlingException SlowDown RequestTimeout InternalError ServiceUnavailable TransactionConflictException")]
    [InlineData("aws", Stays, "AccessDenied NoSuchBucket ValidationException ConditionalCheckFailedException ResourceNotFoundException")]
    [InlineData("fhir", Passes, "transient lock-error no-store exception timeout incomplete throttled")]
    [InlineData("fhir", Stays, "invalid required security login forbidden not-found deleted duplicate conflict business-rule " +
        "limited-filter")]
    public void A_family_with_a_file_is_wider_than_it(string family, Persistence persistence, string codes) =>
        Check(family, persistence, codes);

    [Fact]
    public void Every_number_of_SocketError_that_can_be_thrown_is_known()
    {
        var unknown = Enum.GetValues<System.Net.Sockets.SocketError>()
            .Where(error => error is not (System.Net.Sockets.SocketError.Success or System.Net.Sockets.SocketError.SocketError
                or System.Net.Sockets.SocketError.IOPending))
            .Where(error => FaultClassifier.Default.Classify("socket", ((int)error).ToString()) is null);

        Assert.Empty(unknown);
    }

    [Theory]
    [InlineData("ORA-12541: TNS:no listener", "oracle")]
    [InlineData("SQL30081N  A communication error has been detected.", "db2")]
    [InlineData("[jcc][t4] SQL0911N The current transaction has been rolled back", "db2")]
    public void A_code_in_a_text_is_read_with_its_family(string text, string family)
    {
        var found = FaultClassifier.Default.ClassifyText(text);

        Assert.Equal((family, Passes), (found.Family, found.Persistence));
    }

    private static void Check(string family, Persistence persistence, string codes)
    {
        var wrong = codes.Split(' ').Where(code => FaultClassifier.Default.Classify(family, code)?.Persistence != persistence);
        Assert.True(!wrong.Any(), $"{family}, meant to be {persistence}: {string.Join(' ', wrong)}");
    }
}
