using System.CommandLine;
using System.Diagnostics;
using Recourse.Cli.Client;
using Recourse.Cli.Output;
using Recourse.Server;
using Spectre.Console;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse dlq edit ID</c>: another body for a dead letter, from a file or by an editor.</summary>
internal static class DlqEditCommand
{
    public static Command Create()
    {
        var (id, who, reason) = (LetterVerbs.IdArgument(), LetterVerbs.As(), LetterVerbs.Reason());
        var file = new Option<FileInfo?>("--file", "-f")
        {
            Description = "The new body, byte for byte; without it $VISUAL or $EDITOR opens the one it has",
            HelpName = "FILE",
        };
        var server = CommonOptions.Server();
        var command = new Command("edit", "Give a dead letter another body; what came in is kept") { id, file, reason, who, server };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            parsed.GetValue(server)!, parsed.GetValue(id)!, parsed.GetValue(file), parsed.GetValue(who), parsed.GetValue(reason),
            cancellationToken));
        return command.Teach(
        [
            ("By hand", "recourse dlq edit ID --reason \"the postal code was missing\""),
            ("From a file", "recourse dlq edit ID --file mended.json"),
            ("What was changed", "recourse dlq diff ID"),
        ], "A replay sends the edited body, with a new Idempotency-Key. Only this delivery is changed: other services of the same"
            + Environment.NewLine + "message get what came in. If somebody edited it meanwhile, nothing is changed.");
    }

    private static async Task<int> RunAsync(
        Uri server, string id, FileInfo? file, string? who, string? reason, CancellationToken cancellationToken)
    {
        using var relay = new RelayClient(server);
        var path = $"v1/dead-letters/{Uri.EscapeDataString(id)}/payload";
        using var answer = await relay.SendAsync(() => new(HttpMethod.Get, path), cancellationToken);
        await relay.ThrowIfRefusedAsync(answer, cancellationToken);
        var before = await answer.Content.ReadAsByteArrayAsync(cancellationToken);
        var tag = answer.Headers.ETag?.ToString()
            ?? throw new CliException(ExitCode.Failed, $"{server} gave no ETag with the payload. Is it a relay of this version?");
        var after = file is null
            ? await EditAsync(before, answer.Content.Headers.ContentType?.MediaType, cancellationToken)
            : await ReadAsync(file, cancellationToken);
        if (before.AsSpan().SequenceEqual(after))
        {
            Screen.Progress.WriteLine("The body is the same; nothing was changed.");
            return ExitCode.Ok;
        }
        var query = $"?actor={Uri.EscapeDataString(who ?? "operator")}{(reason is null ? "" : $"&reason={Uri.EscapeDataString(reason)}")}";
        await relay.ActAsync(HttpMethod.Put, path + query, after, answer.Content.Headers.ContentType?.ToString(), ("If-Match", tag),
            cancellationToken);
        Screen.Progress.WriteLine($"Edited. See it: recourse dlq diff {id}   send it: recourse dlq replay {id}");
        return ExitCode.Ok;
    }

    private static async Task<byte[]> ReadAsync(FileInfo file, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(file.FullName, cancellationToken);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Usage, $"{file.FullName} cannot be read: {FileTrouble.Words(error)}.", error);
        }
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value : null;

    /// <summary>Opens the body in the editor that the environment names, and reads it again when the editor ends.</summary>
    private static async Task<byte[]> EditAsync(byte[] body, string? mediaType, CancellationToken cancellationToken)
    {
        var editor = Variable("VISUAL") ?? Variable("EDITOR")
            ?? throw new CliException(ExitCode.Usage, "there is no editor: set EDITOR, or give the new body with --file FILE.");
        var folder = Directory.CreateTempSubdirectory("recourse-edit-");
        try
        {
            var json = mediaType?.Contains("json", StringComparison.Ordinal) == true;
            var path = Path.Combine(folder.FullName, json ? "body.json" : "body.txt");
            await File.WriteAllBytesAsync(path, body, cancellationToken);
            var words = editor.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            using var process = Process.Start(new ProcessStartInfo(words[0], [.. words[1..], path]) { UseShellExecute = false })!;
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? await File.ReadAllBytesAsync(path, cancellationToken)
                : throw new CliException(ExitCode.Failed, $"{words[0]} ended with {process.ExitCode}; nothing was changed.");
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new CliException(ExitCode.Usage, $"the editor '{editor}' cannot be started: {error.Message}", error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary><c>recourse dlq diff ID</c>: what edits changed.</summary>
internal static class DlqDiffCommand
{
    public static Command Create()
    {
        var (id, server, json) = (LetterVerbs.IdArgument(), CommonOptions.Server(), CommonOptions.Json());
        var command = new Command("diff", "Show what edits changed in a dead letter's body") { id, server, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var relay = new RelayClient(parsed.GetValue(server)!);
            var path = $"v1/dead-letters/{Uri.EscapeDataString(parsed.GetValue(id)!)}/payload/diff";
            if (parsed.GetValue(json))
            {
                JsonOutput.Write(await relay.ReadAsync(path, cancellationToken));
                return ExitCode.Ok;
            }
            using var answer = await relay.SendAsync(() => new(HttpMethod.Get, path) { Headers = { { "Accept", "text/plain" } } },
                cancellationToken);
            await relay.ThrowIfRefusedAsync(answer, cancellationToken);
            foreach (var line in (await answer.Content.ReadAsStringAsync(cancellationToken)).TrimEnd('\n').Split('\n'))
                Screen.Out.Write(Screen.Toned(line + Environment.NewLine, line.Length == 0 ? Tone.None : line[0] switch
                {
                    '+' => Tone.Good,
                    '-' => Tone.Bad,
                    _ => Tone.None,
                }));
            return ExitCode.Ok;
        });
        return command.Teach([("Before a replay", "recourse dlq diff ID")],
            "JSON is laid out first, so that one changed field is one line.");
    }
}
