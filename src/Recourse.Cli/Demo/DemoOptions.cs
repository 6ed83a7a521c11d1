using System.Text;
using Recourse.Server;

namespace Recourse.Cli.Demo;

/// <summary>What the user asked of the demonstration.</summary>
internal sealed record DemoOptions
{
    /// <summary>A file of messages, one a line; null makes them up.</summary>
    public string? Input { get; init; }

    /// <summary>How many messages; null means 3,000, or every line of a longer file. A shorter file is begun again.</summary>
    public int? Count { get; init; }

    /// <summary>Kill the relay once in the middle.</summary>
    public bool Kill { get; init; } = true;

    /// <summary>Leave the store and the configuration on disk.</summary>
    public bool Keep { get; init; }

    /// <summary>Leave the relay running at the end, until Ctrl-C.</summary>
    public bool Stay { get; init; }

    /// <summary>Print one result document on standard output.</summary>
    public bool Json { get; init; }

    /// <summary>When to give up.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>How long the sending is spread over.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>What the services' moods are drawn from; printed, so that a run can be had again.</summary>
    public int Seed { get; init; } = Random.Shared.Next(1, 1_000_000);
}

/// <summary>The bodies to send.</summary>
internal sealed class DemoInput
{
    private const long LargestFile = 256 * 1024 * 1024;
    private const int LeastMessages = 3_000;
    private readonly IReadOnlyList<byte[]> _lines;

    private DemoInput(IReadOnlyList<byte[]> lines, int count) => (_lines, Count) = (lines, count);

    /// <summary>How many messages there are to send.</summary>
    public int Count { get; }

    /// <summary>What is sent, in words.</summary>
    public string Description =>
        _lines.Count == 0 ? $"{Count:N0} messages made up here" : $"{Count:N0} messages from {_lines.Count:N0} lines";

    /// <summary>The body of message number <paramref name="index"/>, from 0.</summary>
    public byte[] Body(int index)
    {
        if (_lines.Count > 0) return _lines[index % _lines.Count];
        var (customer, amount) = (index * 7919L % 997, index * 31L % 10_000 / 100m);
        return Encoding.UTF8.GetBytes($$"""{"number":{{index}},"customer":"customer-{{customer}}","amount":{{amount}},"currency":"EUR"}""");
    }

    /// <summary>Reads the input that <paramref name="options"/> name.</summary>
    /// <exception cref="CliException">The file cannot be read, is empty, or is too large to be held in memory.</exception>
    public static async Task<DemoInput> ReadAsync(DemoOptions options, CancellationToken cancellationToken)
    {
        if (options.Input is null) return new([], options.Count ?? LeastMessages);
        var lines = new List<byte[]>();
        try
        {
            await using var file = File.OpenRead(options.Input);
            if (file.Length > LargestFile)
                throw new CliException(ExitCode.Usage,
                    $"'{options.Input}' is larger than {LargestFile / 1024 / 1024} MiB, more than a demonstration takes.");
            await foreach (var line in Sending.LineReader.ReadAsync(file, null, cancellationToken)) lines.Add(line.Body);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.Usage, $"cannot read '{options.Input}': {FileTrouble.Words(error)}.", error);
        }
        return lines.Count > 0
            ? new(lines, options.Count ?? Math.Max(LeastMessages, lines.Count))
            : throw new CliException(ExitCode.Usage, $"'{options.Input}' has no line to send.");
    }
}
