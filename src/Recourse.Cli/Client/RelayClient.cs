using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Recourse.Cli.Client;

/// <summary>
/// The relay's HTTP contract, as the commands use it. Everything that goes wrong leaves as a <see cref="CliException"/> whose sentence says
/// what to do. Safe for concurrent use.
/// </summary>
internal sealed class RelayClient : IDisposable
{
    // Longer than the relay takes for its slowest page; a relay that says nothing for so long counts as not there.
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);
    private readonly HttpClient _http;
    private volatile string? _notTrusted;

    /// <param name="server">Where the relay should be.</param>
    /// <param name="answerLimit">For work that takes its time, such as a backup; null for what pages and verbs need.</param>
    public RelayClient(Uri server, TimeSpan? answerLimit = null)
    {
        Server = server;
        _http = new(Connections())
        {
            BaseAddress = server.AbsolutePath.EndsWith('/') ? server : new(server + "/"),
            Timeout = answerLimit ?? AnswerLimit,
        };
        _http.DefaultRequestHeaders.UserAgent
            .Add(new ProductInfoHeaderValue("recourse-cli", typeof(RelayClient).Assembly.GetName().Version?.ToString(3)));
        _http.DefaultRequestHeaders.Authorization = Key;
    }

    private SocketsHttpHandler Connections() => new()
    {
        UseProxy = !Server.IsLoopback,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        SslOptions = RelayTrust.Options(Server, words => _notTrusted = words),
    };

    private static AuthenticationHeaderValue? Key => ClientKey.Current is { } key ? new("Bearer", key) : null;

    /// <summary>Where the relay should be.</summary>
    public Uri Server { get; }

    /// <summary>There is a relay: it answered at least once.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>A document as it came.</summary>
    public async Task<byte[]> ReadAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(() => new(HttpMethod.Get, path), cancellationToken);
        await ThrowIfRefusedAsync(answer, cancellationToken);
        return await Guarded(() => answer.Content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);
    }

    /// <summary>A document as a value.</summary>
    public async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        Parse(await ReadAsync(path, cancellationToken), type);

    /// <summary>A verb on one thing, with no body. The answer's document, which may be empty.</summary>
    public async Task<byte[]> ActAsync(string path, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(() => new(HttpMethod.Post, path), cancellationToken);
        await ThrowIfRefusedAsync(answer, cancellationToken);
        return await Guarded(() => answer.Content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);
    }

    /// <summary>A verb with a body; the answer's document.</summary>
    public async Task<byte[]> ActAsync(HttpMethod method, string path, ReadOnlyMemory<byte> body, string? contentType,
        (string Name, string Value)? header, CancellationToken cancellationToken)
    {
        using var answer = await SendAsync(() =>
        {
            var content = new ReadOnlyMemoryContent(body);
            if (contentType is not null) content.Headers.TryAddWithoutValidation("Content-Type", contentType);
            var request = new HttpRequestMessage(method, path) { Content = content };
            if (header is var (name, value)) request.Headers.TryAddWithoutValidation(name, value);
            return request;
        }, cancellationToken);
        await ThrowIfRefusedAsync(answer, cancellationToken);
        return await Guarded(() => answer.Content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);
    }

    /// <summary>A verb with who acts and why.</summary>
    public Task<byte[]> ActAsync(string path, ActBody body, CancellationToken cancellationToken) =>
        ActAsync(path, body, RelayJson.Default.ActBody, cancellationToken);

    /// <summary>Previews or starts a replay.</summary>
    public Task<byte[]> ActAsync(string path, ReplayBody body, CancellationToken cancellationToken) =>
        ActAsync(path, body, RelayJson.Default.ReplayBody, cancellationToken);

    /// <summary>A verb with a document.</summary>
    public async Task<byte[]> ActAsync<T>(string path, T body, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(body, type);
        using var answer = await SendAsync(() =>
        {
            var content = new ByteArrayContent(json);
            content.Headers.ContentType = new("application/json");
            return new(HttpMethod.Post, path) { Content = content };
        }, cancellationToken);
        await ThrowIfRefusedAsync(answer, cancellationToken);
        return await Guarded(() => answer.Content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);
    }

    /// <summary>
    /// The lines of an answer as they come, however long it takes; with a file as the body, which is sent meanwhile. Silence for longer
    /// than a relay takes for a page ends it.
    /// </summary>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(
        HttpMethod method, string path, FileInfo? body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A client of its own: the limit of the other counts from the request to the end of the answer.
        using var http = new HttpClient(Connections())
        {
            BaseAddress = _http.BaseAddress,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { Authorization = Key },
        };
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StreamContent(Unpacked(body)) { Headers = { ContentType = new("application/x-ndjson") } };
        using var answer = await Guarded(
            () => http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken), cancellationToken);
        await ThrowIfRefusedAsync(answer, cancellationToken);
        var reader = PipeReader.Create(await answer.Content.ReadAsStreamAsync(cancellationToken));
        while (true)
        {
            var read = await Guarded(() => reader.ReadAsync(cancellationToken).AsTask().WaitAsync(AnswerLimit, cancellationToken),
                cancellationToken);
            var buffer = read.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                yield return buffer.Slice(0, end).ToArray();
                buffer = buffer.Slice(buffer.GetPosition(1, end));
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (read.IsCompleted) yield break;
        }
    }

    private static Stream Unpacked(FileInfo file) => file.Extension is ".gz"
        ? new GZipStream(file.OpenRead(), CompressionMode.Decompress) : file.OpenRead();

    /// <summary>One request, one answer, whatever its status; throws only when there is no answer.</summary>
    public async Task<HttpResponseMessage> SendAsync(Func<HttpRequestMessage> request, CancellationToken cancellationToken)
    {
        var answer = await Guarded(() => _http.SendAsync(request(), cancellationToken), cancellationToken);
        HasAnswered = true;
        return answer;
    }

    /// <summary>Reads a document, or says that the other side is no relay.</summary>
    public T Parse<T>(ReadOnlySpan<byte> document, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(document, type) ?? throw new JsonException("The document is null.");
        }
        catch (JsonException error)
        {
            throw new CliException(ExitCode.Failed,
                $"{Server} answered with something that is not a relay's document ({error.Message}). "
                    + "Is that address a relay of this version?", error);
        }
    }

    /// <summary>Turns an answer that refuses into a <see cref="CliException"/>; passes a success.</summary>
    public async Task ThrowIfRefusedAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        if (answer.IsSuccessStatusCode) return;
        var body = await Guarded(() => answer.Content.ReadAsByteArrayAsync(cancellationToken), cancellationToken);
        throw Refusal((int)answer.StatusCode, ReadProblem(body), Server, answer.RequestMessage?.RequestUri?.AbsolutePath,
            RetryAfter(answer));
    }

    /// <summary>The sentence and the exit code for a refusal.</summary>
    public static CliException Refusal(int status, string? problem, Uri server, string? path, TimeSpan? retryAfter = null)
    {
        var said = problem ?? $"status {status} for {path}";
        return status switch
        {
            400 or 413 or 415 => new(ExitCode.Failed, $"the relay refused this as invalid: {said}") { Status = status },
            401 or 403 => new(ExitCode.Failed, $"the relay at {server} does not allow this: {said}") { Status = status },
            404 or 410 => new(ExitCode.NotFound, said) { Status = status },
            409 or 412 or 422 => new(ExitCode.Conflict, said) { Status = status },
            429 => new(ExitCode.Refused, $"the relay takes nothing more for now: {said} Try again later.")
            {
                Status = status,
                RetryAfter = retryAfter,
            },
            503 => new(ExitCode.Refused, $"the relay cannot work now: {WithLog(said)}")
            {
                Status = status,
                RetryAfter = retryAfter,
            },
            _ => new(ExitCode.Failed, $"the relay failed: {WithLog(said)}") { Status = status },
        };
    }

    private static string WithLog(string said) => said.Contains(" log ", StringComparison.Ordinal) ? said : said + " Its log says more.";

    /// <summary>How long an answer asks to wait: seconds, or until a date; null when it does not say.</summary>
    public static TimeSpan? RetryAfter(HttpResponseMessage answer) => answer.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - TimeProvider.System.GetUtcNow(),
        _ => null,
    };

    /// <summary>The words of a problem document; null when it is none.</summary>
    public static string? ReadProblem(ReadOnlySpan<byte> body)
    {
        try
        {
            return Words(JsonSerializer.Deserialize(body, RelayJson.Default.ProblemAnswer));
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A problem in one sentence; null when it says nothing.</summary>
    public static string? Words(ProblemAnswer? problem)
    {
        var words = problem?.Detail ?? problem?.Title;
        if (string.IsNullOrWhiteSpace(words)) return null;
        var ended = words.Trim() is [.., '.' or '?'] whole ? whole : words.Trim() + ".";
        var allowed = problem?.Allowed is { Count: > 0 } some ? $" Allowed: {string.Join(", ", some)}." : "";
        return Output.Screen.Safe(ended, 500) + Output.Screen.Safe(allowed, 2_000);
    }

    public void Dispose() => _http.Dispose();

    private static string Why(Exception error) => error.GetBaseException() is SocketException socket
        ? socket.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "nothing listens there",
            SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "its name is not known",
            SocketError.HostUnreachable or SocketError.NetworkUnreachable => "there is no way to it",
            SocketError.ConnectionReset => "the connection was cut",
            SocketError.TimedOut => "it did not answer in time",
            _ => socket.Message,
        }
        : error.GetBaseException().Message.TrimEnd('.');

    private async Task<T> Guarded<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call();
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            if (_notTrusted is { } words)
                throw new CliException(ExitCode.Unreachable, $"whoever answers at {Server} {words}", error);
            if (error is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError })
                throw new CliException(ExitCode.Unreachable, $"whoever answers at {Server} does not speak TLS as this program does "
                    + $"({error.GetBaseException().Message.TrimEnd('.')}). Is it an http:// address?", error);
            throw new CliException(ExitCode.Unreachable,
                $"no relay answers at {Server} ({Why(error)}). Is `recourse serve` running? Another address: --server URL, or "
                    + $"{CommonOptions.ServerVariable}.", error);
        }
        catch (Exception error) when (error is OperationCanceledException or TimeoutException && !cancellationToken.IsCancellationRequested)
        {
            throw new CliException(ExitCode.Unreachable,
                $"the relay at {Server} did not answer within {_http.Timeout.TotalSeconds:0} s. It may be stopped or overloaded.", error);
        }
    }
}
