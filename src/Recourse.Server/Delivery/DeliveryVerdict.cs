using System.Globalization;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>What an answer, or the lack of one, means. Whether the effect may have happened follows from how far the request had
/// come.</summary>
internal sealed class DeliveryVerdict(FaultClassifier classifier, TimeProvider time)
{
    /// <summary>An answer with a status that does not mean delivered.</summary>
    internal DeliveryResult OfStatus(HttpResponseMessage response, string text)
    {
        var code = (int)response.StatusCode;
        var status = code.ToString(CultureInfo.InvariantCulture);
        if (code is >= 300 and < 400)
        {
            var where = response.Headers.Location is { } location ? $" to {location.OriginalString}" : "";
            var words = $"HTTP {status}: redirects{where} are not followed; set the service's url to where it is.";
            return DeliveryResult.Failed(Redirected, words, status);
        }

        var reason = response.ReasonPhrase is { Length: > 0 } phrase ? " " + ResponseText.OneLine(phrase) : "";
        var error = $"HTTP {status}{reason}{(text.Length > 0 ? ": " + text : "")}";
        return DeliveryResult.Failed(classifier.ClassifyHttp(code), error, status, RetryAfter(response));
    }

    /// <summary>
    /// The service refused the access token. That speaks against the token, whatever message it came with: every other one would have met
    /// the same. With another token it may pass.
    /// </summary>
    /// <param name="refused">The verdict on the answer.</param>
    /// <param name="dropped">The next attempt asks for another token.</param>
    internal static DeliveryResult OfRefusedToken(DeliveryResult refused, bool dropped) => DeliveryResult.Failed(
        refused.Fault! with
        {
            Blame = Blame.Service,
            Persistence = dropped ? Persistence.Transient : Persistence.Permanent,
            Scope = dropped ? RetryScope.Call : RetryScope.Never,
            Applied = Applied.No,
        },
        $"The access token was refused{(dropped ? "; the next attempt asks for another" : ", and so was the one before it")}. "
        + refused.Error,
        refused.Status, refused.RetryAfter);

    /// <summary>No answer: the connection did not come about, or was lost.</summary>
    internal DeliveryResult OfException(Exception exception, bool begun)
    {
        var found = exception is OperationCanceledException
            ? classifier.ForKind(FaultKind.ConnectionTimeout, "no connection in time")
            : Classify(exception);
        // Without an answer nothing speaks against this message: any other would have met the same.
        var fault = found with { Blame = Blame.Service, Applied = begun ? Applied.Maybe : Applied.No };
        return DeliveryResult.Failed(fault, Words(exception));
    }

    /// <summary>The wait that the answer asks for, in seconds or as a date; never negative. Null when it asks for none that can be
    /// read.</summary>
    internal TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => NotNegative(delta),
        { Date: { } date } => NotNegative(date - time.GetUtcNow()),
        _ => null,
    };

    private Classification Classify(Exception exception)
    {
        var fault = classifier.Classify(exception);
        var error = exception switch
        {
            HttpRequestException request => request.HttpRequestError,
            HttpIOException response => response.HttpRequestError,
            _ => HttpRequestError.Unknown,
        };
        return fault.Kind is FaultKind.Unknown or FaultKind.TemporaryFailure or FaultKind.FileSystemError
            && error is not HttpRequestError.Unknown
            ? classifier.Classify("socket", error.ToString()) ?? fault
            : fault;
    }

    private static TimeSpan NotNegative(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.Zero;

    // The innermost message says why; those around it, which speak of inner exceptions, say nothing to who reads a dead letter. Only a
    // refused connection has the address in the outer one.
    private static string Words(Exception exception)
    {
        var why = exception.GetBaseException().Message;
        var error = exception switch
        {
            HttpRequestException request => request.HttpRequestError,
            HttpIOException response => response.HttpRequestError,
            _ => HttpRequestError.Unknown,
        };
        return error switch
        {
            HttpRequestError.SecureConnectionError => $"TLS failed: {why}",
            HttpRequestError.NameResolutionError => $"The name cannot be resolved: {(exception.Message.Contains(why,
                StringComparison.Ordinal) ? exception.Message : why)}",
            _ when exception is OperationCanceledException or { InnerException: OperationCanceledException or TimeoutException } =>
                "No connection came about within 10 s.",
            _ => exception.Message.Contains(why, StringComparison.Ordinal) ? exception.Message : why,
        };
    }

    private static Classification Redirected { get; } = new()
    {
        Kind = FaultKind.ConfigurationError,
        Persistence = Persistence.Permanent,
        Scope = RetryScope.Never,
        Applied = Applied.No,
        Blame = Blame.Service,
        Evidence = "an HTTP redirect",
    };
}
