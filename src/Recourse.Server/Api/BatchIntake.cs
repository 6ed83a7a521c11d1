using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;
using Recourse.Durable;
using Recourse.Server.Security;

namespace Recourse.Server.Api;

/// <summary>
/// One batch. Lines are read and given to the store without waiting for the one before, so that they share commits; answers are written in
/// order as
/// they come. Reading never waits for the answers to be read: a client may send everything first.
/// </summary>
#pragma warning disable CA1001 // A semaphore whose wait handle is never asked for holds nothing; commits may outlive an aborted request.
internal sealed class BatchIntake(Relay relay, QueueDoor door, bool envelopes, string? traceParent)
{
    private const int MaxInFlight = 512;

    // Base64 is a third longer than its bytes, and an envelope has keys and headers around it.
    private readonly long _maxLine = envelopes ? (door.MaxBody * 4 / 3) + (32 * 1024) : door.MaxBody;
    private readonly LimitsConfiguration _limits = relay.Configuration.Limits;
    private readonly SemaphoreSlim _free = new(MaxInFlight);
    // Bounded by the most lines of a batch: an entry is small, its body is gone once it is committed.
    private readonly Channel<Task<BatchLine>> _answers =
        Channel.CreateUnbounded<Task<BatchLine>>(new() { SingleReader = true, SingleWriter = true });
    private int _lines;

    public async Task RunAsync(HttpContext http)
    {
        http.Response.ContentType = Ndjson.MediaType;
        var writing = WriteAsync(http);
        try
        {
            await ReadAsync(http);
        }
        catch (BadHttpRequestException error)
        {
            Answer(Problem.Of(error.StatusCode, "bad-request", $"The batch ends here. {RequestGuard.Words(error)}"));
        }
        finally
        {
            _answers.Writer.Complete();
        }
        await writing;
    }

    private async Task ReadAsync(HttpContext http)
    {
        var reader = http.Request.BodyReader;
        var skipping = false;
        long before = 0;
        while (true)
        {
            var read = await BodyReader.NextAsync(reader, http.RequestAborted);
            var buffer = read.Buffer;
            var full = false;
            while (!full && buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                before += line.Length + 1;
                if (skipping)
                    skipping = false;
                else
                    full = !await TakeAsync(line);
            }
            if (!full && before + buffer.Length > _limits.MaxBatch)
            {
                Answer(Problem.Of(StatusCodes.Status413PayloadTooLarge, "batch-too-large",
                    $"A batch may have {_limits.MaxBatch:N0} bytes; this line and what follows was not taken."));
                full = true;
            }
            if (full)
            {
                reader.AdvanceTo(buffer.End);
                return;
            }
            if (!skipping && buffer.Length > _maxLine + 1)
            {
                Answer(LineTooLong());
                skipping = true;
            }
            if (skipping)
            {
                before += buffer.Length;
                buffer = buffer.Slice(buffer.End);
            }
            if (read.IsCompleted)
            {
                if (!buffer.IsEmpty)
                    await TakeAsync(buffer);
                reader.AdvanceTo(read.Buffer.End);
                return;
            }
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Takes one line without its line feed; false when the batch has too many.</summary>
    private async ValueTask<bool> TakeAsync(ReadOnlySequence<byte> line)
    {
        if (_lines >= _limits.MaxBatchLines)
        {
            Answer(Problem.Of(StatusCodes.Status413PayloadTooLarge, "batch-too-long",
                $"A batch may have {_limits.MaxBatchLines:N0} lines; this line and what follows was not taken."));
            return false;
        }
        // A body of its own: the store keeps it longer than the buffer of the connection lives.
        var bytes = WithoutReturn(line).ToArray();
        if (bytes.Length > _maxLine)
        {
            Answer(LineTooLong());
            return true;
        }
        EnqueueCommand command;
        try
        {
            command = door.Command(envelopes ? Envelope(bytes) : Plain(bytes));
        }
        catch (ProblemException error)
        {
            Answer(error.Problem);
            return true;
        }
        await _free.WaitAsync();
        _answers.Writer.TryWrite(CommitAsync(_lines++, command));
        return true;
    }

    private async Task<BatchLine> CommitAsync(int index, EnqueueCommand command)
    {
        try
        {
            var result = await relay.Store.SendAsync(command);
            return result.Status is EnqueueStatus.KeyConflict
                ? new(index, StatusCodes.Status422UnprocessableEntity) { Problem = QueueDoor.KeyConflict(result.MessageId) }
                : new(index, StatusCodes.Status202Accepted) { Id = result.MessageId, Duplicate = result.Status is EnqueueStatus.Duplicate };
        }
        catch (StoreException error)
        {
            var problem = StoreProblems.Describe(error);
            return new(index, problem.Status) { Problem = problem };
        }
        finally
        {
            _free.Release();
        }
    }

    private void Answer(Problem problem)
    {
        var index = _lines++;
        relay.Meters.Refused(door.Name, problem.Status is StatusCodes.Status413PayloadTooLarge ? "too_large" : "bad_line");
        _answers.Writer.TryWrite(Task.FromResult(new BatchLine(index, problem.Status) { Problem = problem }));
    }

    private async Task WriteAsync(HttpContext http)
    {
        var output = http.Response.BodyWriter;
        await using var json = new Utf8JsonWriter(output, new() { SkipValidation = true, Encoder = ApiJson.Encoder });
        await foreach (var answer in _answers.Reader.ReadAllAsync())
        {
            if (!answer.IsCompleted)
                await output.FlushAsync();
            json.Reset();
            JsonSerializer.Serialize(json, await answer, ApiJson.Plain.BatchLine);
            output.Write("\n"u8);
            if (output.UnflushedBytes > 16 * 1024)
                await output.FlushAsync();
        }
        await output.FlushAsync();
    }

    private NewMessage Plain(byte[] line)
    {
        CheckJson(line);
        return door.Message(line, "application/json", null, null, null, traceParent, default, relay.Time.GetUtcNow());
    }

    private NewMessage Envelope(byte[] line)
    {
        CheckJson(line);
        var envelope = BatchEnvelope.Read(line);
        if (envelope.Body.HasValue == (envelope.BodyBase64 is not null))
            throw Bad("An envelope has either body (any JSON) or body_base64.");
        ReadOnlyMemory<byte> body = envelope.Body is { } json ? Encoding.UTF8.GetBytes(json.GetRawText())
            : FromBase64(envelope.BodyBase64!);
        if (body.Length > door.MaxBody)
            throw new ProblemException(door.TooLarge());
        foreach (var (name, value) in envelope.Headers ?? [])
        {
            if (!HeaderRules.IsName(name) || !HeaderRules.IsValue(value ?? "\0"))
                throw Bad($"'{name}' is no header with one line of visible characters.");
        }
        var headers = envelope.Headers?.Where(header => IntakeHeaders.GoesOn(header.Key, door.AllowedHeaders))
            .GroupBy(header => header.Key.ToLowerInvariant()).ToDictionary(same => same.Key, same => same.Last().Value);
        var now = relay.Time.GetUtcNow();
        return door.Message(body,
            IntakeHeaders.ContentType(envelope.ContentType) ?? (envelope.Body.HasValue ? "application/json" : null),
            envelope.IdempotencyKey is { } key ? IntakeHeaders.CheckedKey(key, "idempotency_key") : null,
            envelope.Key is { } order ? IntakeHeaders.CheckedKey(order, "key") : null,
            headers is { Count: > 0 } ? headers : null, traceParent, MessageTiming.Of(envelope, now), now);
    }

    private static byte[] FromBase64(string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            throw Bad("body_base64 is no base64.");
        }
    }

    private static void CheckJson(byte[] line)
    {
        if (line.AsSpan().Trim(" \t"u8).IsEmpty)
            throw Bad("The line is empty; each line of a batch is one JSON document.");
        var reader = new Utf8JsonReader(line);
        try
        {
            while (reader.Read())
            {
                // Reading is the check.
            }
        }
        catch (JsonException error)
        {
            throw Bad($"The line is not valid JSON, or nested deeper than 64: see byte {error.BytePositionInLine ?? 0:N0}.");
        }
    }

    private Problem LineTooLong() => door.TooLarge() with { Detail = $"A line may have {_maxLine:N0} bytes here; this one was skipped." };

    internal static ProblemException Bad(string detail) => new(Problem.Of(StatusCodes.Status400BadRequest, "bad-line", detail));

    private static ReadOnlySequence<byte> WithoutReturn(ReadOnlySequence<byte> line) =>
        !line.IsEmpty && line.Slice(line.Length - 1).FirstSpan[0] == (byte)'\r' ? line.Slice(0, line.Length - 1) : line;
}
