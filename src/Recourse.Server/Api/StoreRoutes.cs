using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>The store as a whole: the one thing that is asked of it over HTTP is a copy.</summary>
internal static class StoreRoutes
{
    private const int MaxBody = 8 * 1024;

    public static void Map(ApiRoutes routes) => routes.Map(
        new("POST", "/v1/store:backup", "Copies the store to a new file on the relay's machine while it works on, and checks the copy.")
        {
            Needs = Role.Admin,
            Takes = "application/json",
            Answer = typeof(BackupView),
            Problems = [400, 409, 413, 415, 503],
        }, BackupAsync);

    private static async Task BackupAsync(HttpContext http, Relay relay)
    {
        var path = await ReadPathAsync(http.Request);
        StoreBackup backup;
        try
        {
            backup = await relay.Store.BackupAsync(path, http.RequestAborted);
        }
        catch (StoreException error) when (error.Problem is not StoreProblem.Unavailable)
        {
            // Whoever makes backups may read what is wrong with the file.
            throw new ProblemException(Problem.Of(error.Problem is StoreProblem.DiskFull ? StatusCodes.Status503ServiceUnavailable
                : StatusCodes.Status409Conflict, "no-backup", error.Message));
        }
        await relay.Store.CommitAsync(
            new NoteActCommand(LetterAccess.Actor(http, null), "backup", "store", $"{backup.Bytes:N0} bytes to {backup.Path}", "done"));
        await http.Response.WriteAsJsonAsync(new(backup.Path, backup.Bytes, backup.Schema, backup.At), ApiJson.Plain.BackupView);
    }

    private static async Task<string> ReadPathAsync(HttpRequest request)
    {
        if (!request.HasJsonContentType())
            throw new ProblemException(Problem.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                "The body of this call is {\"path\": …}, content type application/json."));
        if (await BodyReader.ReadAsync(request, MaxBody) is not { } body)
            throw new ProblemException(Problem.Of(StatusCodes.Status413PayloadTooLarge, "body-too-large",
                $"The body of this call may have {MaxBody:N0} bytes."));
        try
        {
            if (JsonSerializer.Deserialize(body.Span, ApiJson.Default.BackupRequest)?.Path is { Length: > 0 } path
                && Path.IsPathFullyQualified(path)
                && !path.Contains('\0', StringComparison.Ordinal))
                return path;
        }
        catch (JsonException)
        {
            // The same sentence tells what the body must be.
        }
        throw new ProblemException(Problem.Of(StatusCodes.Status400BadRequest, "bad-path",
            "The body is {\"path\": …}: the full path of a file on the relay's machine that does not exist yet."));
    }
}

/// <summary>Where a backup shall lie.</summary>
internal sealed record BackupRequest(string? Path);

/// <summary>A backup that was made and checked.</summary>
internal sealed record BackupView(string Path, long Bytes, int Schema, DateTimeOffset At);
