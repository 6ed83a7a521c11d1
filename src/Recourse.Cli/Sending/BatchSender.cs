using System.Net;
using System.Text.Json;
using Recourse.Cli.Client;

namespace Recourse.Cli.Sending;

/// <summary>What is the same for every line of one sending.</summary>
internal sealed record BatchSettings
{
    public required string Queue { get; init; }

    /// <summary>The first part of every line's idempotency key; the line's number is the second.</summary>
    public required string KeyPrefix { get; init; }

    public string? OrderKey { get; init; }
    public string? ContentType { get; init; }

    /// <summary>Lines up to this number are passed over: an earlier run sent them.</summary>
    public long Skip { get; init; }

    /// <summary>How long to go on while the relay is away or takes nothing, once it has answered at all.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// Sends the lines of a file in batches, one batch after the other, so that the relay's order is the file's. Each line has an idempotency
/// key that depends only on its number, so whatever is sent again (a lost answer, a resumed run) is recognised by the relay and stored
/// once.
/// </summary>
internal sealed class BatchSender(RelayClient relay, BatchSettings settings)
{
    private const int BatchLines = 200;
    private const int BatchBytes = 1024 * 1024;
    private const int FailuresKept = 100;
    private readonly List<SendFailure> _failures = [];

    public long Accepted { get; private set; }
    public long Duplicates { get; private set; }
    public long Failed { get; private set; }

    /// <summary>Every line up to this one was answered for good.</summary>
    public long LastLine { get; private set; }

    /// <summary>The first lines that the relay refused.</summary>
    public IReadOnlyList<SendFailure> Failures => _failures;

    /// <summary>Sends everything. A refusal of one line is counted; one that concerns all of them ends the sending.</summary>
    public async Task RunAsync(IAsyncEnumerable<InputLine> lines, CancellationToken cancellationToken)
    {
        LastLine = settings.Skip;
        var batch = new List<InputLine>(BatchLines);
        var bytes = 0;
        await foreach (var line in lines.WithCancellation(cancellationToken))
        {
            if (line.Number <= settings.Skip) continue;
            if (WhyNotJson(line) is { } problem)
            {
                Refuse(line, 400, problem);
                continue;
            }
            if (batch.Count > 0 && (batch.Count == BatchLines || bytes + line.Body.Length > BatchBytes))
            {
                await SendAsync(batch, cancellationToken);
                batch.Clear();
                bytes = 0;
            }
            batch.Add(line);
            bytes += line.Body.Length;
        }
        if (batch.Count > 0) await SendAsync(batch, cancellationToken);
    }

    /// <summary>Why a line cannot go as JSON; null for a good line and for any other media type.</summary>
    private string? WhyNotJson(InputLine line)
    {
        if (settings.ContentType is not "application/json") return null;
        try
        {
            using var _ = JsonDocument.Parse(line.Body);
            return null;
        }
        catch (JsonException error)
        {
            return $"The line is not JSON (byte {error.BytePositionInLine ?? 0:N0}); --content-type sends it as something else.";
        }
    }

    private async Task SendAsync(IReadOnlyList<InputLine> batch, CancellationToken cancellationToken)
    {
        var patience = new Patience(relay, settings.Wait);
        IReadOnlyList<InputLine> left = batch;
        await patience.TryAsync(async () =>
        {
            left = await SendOnceAsync(left, cancellationToken);
            return left.Count == 0 ? true
                : throw new CliException(ExitCode.Refused, "the relay takes nothing more for now. Try again later.");
        }, cancellationToken);
        LastLine = batch[^1].Number;
    }

    /// <summary>One request; what is left over is to be sent again.</summary>
    private async Task<IReadOnlyList<InputLine>> SendOnceAsync(IReadOnlyList<InputLine> lines, CancellationToken cancellationToken)
    {
        using var answer = await relay.SendAsync(() => Request(lines), cancellationToken);
        if (answer.StatusCode == HttpStatusCode.RequestEntityTooLarge)
        {
            if (lines.Count > 1)
                return [.. await SendOnceAsync([.. lines.Take(lines.Count / 2)], cancellationToken),
                    .. await SendOnceAsync([.. lines.Skip(lines.Count / 2)], cancellationToken)];
            Refuse(lines[0], 413, "The message is larger than the relay takes.");
            return [];
        }
        await relay.ThrowIfRefusedAsync(answer, cancellationToken);
        var left = new List<InputLine>();
        var answered = 0;
        await foreach (var line in LineReader.ReadAsync(await answer.Content.ReadAsStreamAsync(cancellationToken), null, cancellationToken))
        {
            var result = relay.Parse(line.Body, RelayJson.Default.BatchLineAnswer);
            if (result.Index != answered || answered++ >= lines.Count)
                throw new CliException(ExitCode.Failed,
                    $"the relay at {relay.Server} answered line {result.Index} of a batch where line {answered} was due.");
            Count(lines[result.Index], result, left);
        }
        // An answer that breaks off leaves lines open: their keys make it safe to send them again.
        return answered == lines.Count ? left : [.. left, .. lines.Skip(answered)];
    }

    private void Count(InputLine line, BatchLineAnswer result, List<InputLine> left)
    {
        if (result.Status is >= 200 and < 300)
        {
            if (result.Duplicate) Duplicates++;
            else Accepted++;
        }
        else if (result.Status is 429 or 503) left.Add(line);
        else Refuse(line, result.Status, RelayClient.Words(result.Problem) ?? "The relay gave no reason.");
    }

    private void Refuse(InputLine line, int status, string problem)
    {
        Failed++;
        if (_failures.Count < FailuresKept) _failures.Add(new(line.Number, status, problem));
    }

    private HttpRequestMessage Request(IReadOnlyList<InputLine> lines)
    {
        using var body = new MemoryStream();
        foreach (var line in lines)
        {
            JsonSerializer.Serialize(body, new EnvelopeLine
            {
                BodyBase64 = line.Body,
                ContentType = settings.ContentType,
                Key = settings.OrderKey,
                IdempotencyKey = $"{settings.KeyPrefix}-{line.Number}",
            }, RelayJson.Default.EnvelopeLine);
            body.WriteByte((byte)'\n');
        }
        var content = new ByteArrayContent(body.ToArray());
        content.Headers.ContentType = new("application/vnd.recourse+ndjson");
        return new(HttpMethod.Post, $"v1/queues/{Uri.EscapeDataString(settings.Queue)}/messages:batch") { Content = content };
    }
}

/// <summary>A line that the relay refused for good.</summary>
internal sealed record SendFailure(long Line, int Status, string Problem);

/// <summary>The summary of a sending.</summary>
internal sealed record SendResult(
    string Queue, long Accepted, long Duplicates, long Failed, IReadOnlyList<SendFailure> Failures, string IdempotencyKey, long LastLine,
    double Seconds);
