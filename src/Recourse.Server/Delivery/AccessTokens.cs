using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Recourse.Durable;

namespace Recourse.Server;

/// <summary>What asking for a token came to: the token, or why there is none. Neither where a service needs none.</summary>
internal readonly record struct Access(string? Token, DeliveryResult? Failure);

/// <summary>
/// The access token of one service, by OAuth 2.0 client credentials (RFC 6749, 4.4). It is asked for when an attempt needs one, by one
/// request for all attempts that wait, and kept until shortly before it ends. Without a token nothing is sent: that is a fault of the
/// service, because every message would fail. The address is the configuration's, and redirects are not followed.
/// </summary>
internal sealed class AccessTokens(
    ServiceAuth auth, TimeSpan patience, HttpMessageInvoker client, DeliveryVerdict verdict, FaultClassifier classifier, TimeProvider time)
{
    /// <summary>A service that refuses every token must not make the relay ask for one at each attempt.</summary>
    internal static readonly TimeSpan BetweenDrops = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan PatienceMax = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Task<Access>? _asking;
    private string? _token;
    private long _takenAt;
    private TimeSpan _usableFor;
    private long? _droppedAt;

    /// <summary>
    /// How long a token is waited for within a timeout of the service: half of it at most, so that the failure can still tell what it was.
    /// </summary>
    internal static TimeSpan PatienceWithin(TimeSpan timeout) => timeout / 2 < PatienceMax ? timeout / 2 : PatienceMax;

    /// <summary>A token that counts for a while yet, or the failure of this attempt.</summary>
    /// <exception cref="AttemptCancelledException">The attempt was cancelled; nothing was sent.</exception>
    internal async ValueTask<Access> GetAsync(CancellationToken cancellationToken)
    {
        Task<Access> asking;
        lock (_lock)
        {
            if (_token is { } kept && time.GetElapsedTime(_takenAt) < _usableFor) return new(kept, null);
            asking = _asking ??= AskAsync();
        }

        try
        {
            // Who waits may be cancelled; the request is for all.
            return await asking.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new AttemptCancelledException(Applied.No, cancellationToken, exception);
        }
    }

    /// <summary>
    /// The service refused this token: it is forgotten, unless another was forgotten within the last minute. False when it is kept.
    /// </summary>
    internal bool Drop(string token)
    {
        lock (_lock)
        {
            // Another attempt was first: the next one has another token already.
            if (_token != token) return true;
            if (_droppedAt is { } last && time.GetElapsedTime(last) < BetweenDrops) return false;
            (_token, _droppedAt) = (null, time.GetTimestamp());
            return true;
        }
    }

    private async Task<Access> AskAsync()
    {
        // The caller holds the lock: nothing of this may run before it lets go.
        await Task.Yield();
        var asked = time.GetTimestamp();
        try
        {
            using var ended = new CancellationTokenSource(patience, time);
            using var request = Request();
            using var response = await client.SendAsync(request, ended.Token);
            var answer = await TokenAnswer.ReadAsync(response, ended.Token);
            if (answer.Token is not { } token) return Failed(response, answer);
            lock (_lock)
            {
                // From before it was asked for: the way back is not time that it counts.
                (_token, _takenAt, _usableFor) = (token, asked, answer.UsableFor);
            }

            return new(token, null);
        }
        catch (OperationCanceledException)
        {
            return Failed(classifier.ForKind(FaultKind.Timeout, "the token endpoint"), $"no answer within {Measures.Duration(patience)}.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            var result = verdict.OfException(exception, begun: false);
            return Failed(result.Fault!, result.Error!);
        }
        finally
        {
            lock (_lock) _asking = null;
        }
    }

    private HttpRequestMessage Request()
    {
        var form = new List<KeyValuePair<string, string>> { new("grant_type", "client_credentials") };
        if (auth.Scope is { } scope) form.Add(new("scope", scope));
        if (auth.Audience is { } audience) form.Add(new("audience", audience));
        if (auth.SecretInForm)
        {
            form.Add(new("client_id", auth.ClientId!));
            form.Add(new("client_secret", auth.ClientSecret!));
        }

        var request = new HttpRequestMessage(HttpMethod.Post, auth.TokenUrl)
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new FormUrlEncodedContent(form),
        };
        request.Headers.Accept.Add(new("application/json"));
        // Both are written as in a form before they are joined (RFC 6749, 2.3.1): either may hold a colon.
        if (!auth.SecretInForm)
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(
                Encoding.ASCII.GetBytes($"{WebUtility.UrlEncode(auth.ClientId)}:{WebUtility.UrlEncode(auth.ClientSecret)}")));
        return request;
    }

    private Access Failed(HttpResponseMessage response, TokenAnswer answer)
    {
        var status = (int)response.StatusCode;
        var words = $"HTTP {status.ToString(CultureInfo.InvariantCulture)}{(answer.Words.Length > 0 ? ": " + answer.Words : "")}";
        // What it refuses, or cannot be read, stays so until a person looks at client, scope or address; the rest passes.
        var fault = status is 408 or 429 or >= 500 ? classifier.ClassifyHttp(status)
            : classifier.ForKind(FaultKind.ConfigurationError, $"the token endpoint, http {status}");
        return Failed(fault, words, verdict.RetryAfter(response));
    }

    private Access Failed(Classification fault, string words, TimeSpan? retryAfter = null) => new(null, DeliveryResult.Failed(
        fault with { Blame = Blame.Service, Applied = Applied.No },
        $"No access token from {auth.TokenUrl!.GetLeftPart(UriPartial.Path)}, so nothing was sent: {Masked(words)}", null, retryAfter));

    // Some repeat what they were sent.
    private string Masked(string words) =>
        words.Replace(auth.ClientSecret!, Redaction.Redactor.Mask, StringComparison.Ordinal);
}
