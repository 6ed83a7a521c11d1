using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>
/// Exceptions by the name of their type. A type that is not listed counts as its nearest listed ancestor, so this table also knows
/// the exceptions of drivers that the program uses and Recourse does not depend on.
/// </summary>
internal static class DotnetCodes
{
    internal static readonly CodeFamily Family = new("dotnet",
    [
        new(FaultKind.Timeout, "TimeoutException TimeoutRejectedException RedisTimeoutException"),
        new(TemporaryFailure, "HttpRequestException WebException", Applied: Applied.Maybe),
        new(ConnectionReset, "SocketException NetworkInformationException WebSocketException EndOfStreamException " +
            "HttpProtocolException QuicException HttpIOException"),
        new(DbConnectionLost, "NpgsqlException MongoConnectionException MongoNotPrimaryException MongoNodeIsRecoveringException " +
            "MongoConnectionPoolPausedException RedisConnectionException AlreadyClosedException BrokerUnreachableException"),
        new(TemporaryFailure, "OperationInterruptedException"),
        new(CircuitOpen, "BrokenCircuitException IsolatedCircuitException", Permanent),
        new(RateLimitExceeded, "RateLimiterRejectedException ThrottlingException TooManyRequestsException"),
        new(TlsFailure, "AuthenticationException CryptographicException"),
        new(Forbidden, "UnauthorizedAccessException SecurityException"),
        new(Unauthorized, "InvalidCredentialException"),
        new(FileSystemError, "IOException"),
        new(NotFound, "FileNotFoundException DirectoryNotFoundException DriveNotFoundException KeyNotFoundException"),
        new(ConfigurationError, "PathTooLongException ConfigurationException ConfigurationErrorsException OptionsValidationException " +
            "TypeLoadException MissingMethodException MissingFieldException DllNotFoundException BadImageFormatException " +
            "FileLoadException TypeInitializationException EntryPointNotFoundException"),
        new(ValidationError, "ArgumentException ValidationException InvalidDataException JsonException XmlException " +
            "DecoderFallbackException RegexMatchTimeoutException SerializationException"),
        new(TypeMismatch, "FormatException InvalidCastException OverflowException ArrayTypeMismatchException"),
        new(NotSupported, "NotSupportedException PlatformNotSupportedException " + "NotImplemented" + "Exception"),
        new(DbConstraintViolation, "ConstraintException"),
        new(Conflict, "DBConcurrencyException DbUpdateConcurrencyException"),
        new(OutOfMemory, "OutOfMemoryException InsufficientMemoryException"),
        new(InternalError, "NullReferenceException IndexOutOfRangeException DivideByZeroException ObjectDisposedException " +
            "StackOverflowException InvalidProgramException", Permanent, Blame: Blame.Message),
        new(Cancelled, "OperationCanceledException TaskCanceledException"),
    ],
    Otherwise: null, ".net clr");
}
