using System.CommandLine;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Recourse.Cli.Sending;
using Recourse.Server;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse send QUEUE [FILE]</c>: one message, or one a line.</summary>
internal static class SendCommand
{
    private const long LargestBody = 256 * 1024 * 1024;
    private const int FailuresShown = 10;

    private sealed record Request
    {
        public required Uri Server { get; init; }
        public required string Queue { get; init; }
        public required string File { get; init; }
        public required bool Json { get; init; }
        public string? OrderKey { get; init; }
        public string? IdempotencyKey { get; init; }
        public string? ContentType { get; init; }
        public long Skip { get; init; }
        public TimeSpan Wait { get; init; }
    }

    public static Command Create()
    {
        var queue = new Argument<string>("QUEUE") { Description = "The queue, as the relay's configuration names it" };
        var file = new Argument<string>("FILE")
        {
            Description = "What to send; - or nothing reads standard input",
            DefaultValueFactory = _ => "-",
        };
        var ndjson = new Option<bool>("--ndjson") { Description = "Each line is a message; without it the whole input is one" };
        var key = new Option<string?>("--key")
        {
            Description = "Order key: messages of one key are delivered one after the other, in this order",
            HelpName = "KEY",
        };
        var idempotency = new Option<string?>("--idempotency-key")
        {
            Description = "The relay stores one message per key in 24 h. With --ndjson the line's number is added to it; by default "
                + "a new one each run",
            HelpName = "KEY",
        };
        var contentType = new Option<string?>("--content-type")
        {
            Description = "Media type of each message; by default from the file's name",
            HelpName = "TYPE",
        };
        var skip = CommonOptions.Whole("--skip", "With --ndjson: pass over this many lines (an earlier run sent them)", 0,
            1_000_000_000_000);
        var wait = CommonOptions.Duration("--wait", "How long to go on while the relay is away or takes nothing", TimeSpan.FromSeconds(30));
        var server = CommonOptions.Server();
        var json = CommonOptions.Json("Print one document with the result and nothing else on standard output");
        var command = new Command("send", "Send messages to a queue")
        {
            queue, file, ndjson, key, idempotency, contentType, skip, wait, server, json,
        };
        command.SetAction((parsed, cancellationToken) =>
        {
            var request = new Request
            {
                Server = parsed.GetValue(server)!,
                Queue = parsed.GetValue(queue)!,
                File = parsed.GetValue(file)!,
                Json = parsed.GetValue(json),
                OrderKey = parsed.GetValue(key),
                IdempotencyKey = parsed.GetValue(idempotency),
                ContentType = parsed.GetValue(contentType),
                Skip = parsed.GetValue(skip) ?? 0,
                Wait = wait.Read(parsed),
            };
            return parsed.GetValue(ndjson) ? SendLinesAsync(request, cancellationToken) : SendOneAsync(request, cancellationToken);
        });
        return Teach(command);
    }

    private static Command Teach(Command command) => command.Teach(
        [
            ("One message from a file", "recourse send orders order.json"),
            ("One from a pipe; sent twice under the same key, it is stored once",
                "echo '{\"n\":1}' | recourse send orders --idempotency-key order-1"),
            ("A file of messages, one a line", "recourse send orders orders.ndjson --ndjson"),
        ], "A message counts as sent once the relay has it on disk. A sending that is interrupted prints the command that goes on "
            + "where it ended.");

    private static async Task<int> SendOneAsync(Request request, CancellationToken cancellationToken)
    {
        byte[] body;
        await using (var input = Open(request.File))
            body = await ReadAllAsync(input, cancellationToken);
        // Without a key of the caller's, ours makes a retry of a lost answer safe.
        var idempotencyKey = request.IdempotencyKey ?? $"cli-{Guid.NewGuid():N}";
        using var relay = new RelayClient(request.Server);
        var path = $"v1/queues/{Uri.EscapeDataString(request.Queue)}/messages";
        var document = await new Patience(relay, request.Wait).TryAsync(async () =>
        {
            using var answer = await relay.SendAsync(() => OneMessage(request, path, body, idempotencyKey), cancellationToken);
            await relay.ThrowIfRefusedAsync(answer, cancellationToken);
            return await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        }, cancellationToken);
        if (request.Json)
        {
            JsonOutput.Write(document);
            return ExitCode.Ok;
        }
        var accepted = relay.Parse(document, RelayJson.Default.AcceptedAnswer);
        Screen.Out.WriteLine(accepted.Duplicate ? $"{accepted.Id} (the relay had it before; nothing was stored)" : accepted.Id);
        return ExitCode.Ok;
    }

    private static HttpRequestMessage OneMessage(Request request, string path, byte[] body, string idempotencyKey)
    {
        var content = new ByteArrayContent(body);
        content.Headers.TryAddWithoutValidation("Content-Type", ContentTypeOf(request, "application/octet-stream"));
        var message = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        message.Headers.TryAddWithoutValidation("Idempotency-Key", idempotencyKey);
        if (request.OrderKey is not null) message.Headers.TryAddWithoutValidation("Recourse-Key", request.OrderKey);
        return message;
    }

    private static async Task<int> SendLinesAsync(Request request, CancellationToken cancellationToken)
    {
        var run = request.IdempotencyKey ?? $"cli-{Guid.NewGuid():N}";
        using var relay = new RelayClient(request.Server);
        await using var input = Open(request.File);
        var sender = new BatchSender(relay, new()
        {
            Queue = request.Queue,
            KeyPrefix = run,
            OrderKey = request.OrderKey,
            ContentType = ContentTypeOf(request, "application/json"),
            Skip = request.Skip,
            Wait = request.Wait,
        });
        var clock = TimeProvider.System;
        var started = clock.GetTimestamp();
        try
        {
            await LongWork.RunAsync($"send to {request.Queue}", input.CanSeek ? input.Length : 0, advance =>
                sender.RunAsync(LineReader.ReadAsync(input, bytes => advance(bytes), cancellationToken), cancellationToken));
        }
        catch (Exception error) when (error is CliException or OperationCanceledException && sender.Accepted + sender.Duplicates > 0)
        {
            Console.Error.WriteLine($"recourse: stopped after line {sender.LastLine:N0}. To go on where it ended "
                + "(nothing is stored twice):");
            Console.Error.WriteLine($"  recourse send {request.Queue} {request.File} --ndjson --idempotency-key {run} "
                + $"--skip {sender.LastLine}");
            throw;
        }
        var seconds = Math.Round(clock.GetElapsedTime(started).TotalSeconds, 3);
        Report(request, sender, new(
            request.Queue, sender.Accepted, sender.Duplicates, sender.Failed, sender.Failures, run, sender.LastLine, seconds));
        return sender.Failed == 0 ? ExitCode.Ok : ExitCode.Failed;
    }

    private static void Report(Request request, BatchSender sender, SendResult result)
    {
        if (request.Json) JsonOutput.Write(result, CliJson.Default.SendResult);
        else
        {
            Screen.Out.WriteLine($"{result.Queue}: {result.Accepted:N0} stored, "
                + $"{Screen.Counted(result.Duplicates, "was there before", "were there before")}, "
                + $"{result.Failed:N0} refused; "
                + $"{result.Seconds:0.0} s, {(result.Accepted + result.Duplicates) / Math.Max(0.001, result.Seconds):N0} a second");
        }
        foreach (var failure in sender.Failures.Take(FailuresShown))
            Console.Error.WriteLine($"recourse: line {failure.Line}: {failure.Problem} (status {failure.Status})");
        if (result.Failed > FailuresShown)
            Console.Error.WriteLine($"recourse: … and {Screen.Counted(result.Failed - FailuresShown, "more line", "more lines")}.");
    }

    private static string ContentTypeOf(Request request, string otherwise) => request.ContentType ?? Path.GetExtension(request.File) switch
    {
        ".json" or ".ndjson" or ".jsonl" => "application/json",
        ".xml" => "application/xml",
        ".txt" => "text/plain",
        _ => otherwise,
    };

    private static Stream Open(string file)
    {
        if (file == "-")
        {
            return Console.IsInputRedirected
                ? Console.OpenStandardInput()
                : throw new CliException(ExitCode.Usage, "there is nothing to send: name a file, or pipe the message in.");
        }
        try
        {
            return new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 1, FileOptions.SequentialScan);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Usage, $"cannot read '{file}': {FileTrouble.Words(error)}.", error);
        }
    }

    private static async Task<byte[]> ReadAllAsync(Stream input, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await input.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (body.Length + read > LargestBody)
                throw new CliException(ExitCode.Usage,
                    $"the input is larger than {LargestBody / 1024 / 1024} MiB: is it NDJSON? Then add --ndjson.");
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }
}
