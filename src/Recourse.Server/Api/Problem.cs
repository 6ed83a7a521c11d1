using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Recourse.Server.Api;

/// <summary>What every error answer says, by RFC 9457.</summary>
internal sealed record Problem(string Type, string Title, int Status, string Detail)
{
    public const string MediaType = "application/problem+json";

    /// <summary>What would have been allowed; null when the detail says it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Allowed { get; init; }

    /// <summary>The message that a conflict is about; null otherwise.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; init; }

    /// <summary>Sent as Retry-After.</summary>
    [JsonIgnore]
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>A problem whose type is a stable name and whose title follows from the status.</summary>
    public static Problem Of(int status, string name, string detail) =>
        new($"urn:recourse:problem:{name}", ReasonPhrases.GetReasonPhrase(status), status, detail);

    public async Task WriteAsync(HttpContext http)
    {
        if (http.Response.HasStarted)
        {
            // Half an answer must not look like a whole one.
            http.Abort();
            return;
        }
        var response = http.Response;
        response.StatusCode = Status;
        if (RetryAfter is { } wait)
            response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString();
        await response.WriteAsJsonAsync(this, ApiJson.Plain.Problem, MediaType);
    }
}

/// <summary>Ends a request with a problem. For what a handler finds deep inside reading its input.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem { get; } = problem;
}
