using System.Text;
using Recourse.Cli.Sending;

namespace Recourse.Server.Tests.Cli;

public class LineReaderTests
{
    [Fact]
    public async Task Numbers_count_empty_lines_which_are_passed_over() =>
        Assert.Equal([(1, "a"), (3, "b"), (4, "c")], await ReadAsync("a\n\nb\nc"));

    [Fact]
    public async Task Windows_line_ends_and_a_byte_order_mark_are_no_part_of_a_line() =>
        Assert.Equal([(1, "a"), (2, "b")], await ReadAsync("\uFEFFa\r\nb\r\n"));

    [Fact]
    public async Task Bytes_are_kept_as_they_stand() => Assert.Equal([(1, " {\"é\": 1}\t")], await ReadAsync(" {\"é\": 1}\t\n"));

    [Fact]
    public async Task Nothing_is_read_from_nothing() => Assert.Empty(await ReadAsync(""));

    [Fact]
    public async Task Lines_longer_than_the_buffer_come_whole()
    {
        var text = new string('x', 300_000);
        Assert.Equal([(1, text), (2, text)], await ReadAsync($"{text}\n{text}"));
    }

    private static async Task<List<(long, string)>> ReadAsync(string text)
    {
        var lines = new List<(long, string)>();
        await foreach (var line in LineReader
            .ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), null, TestContext.Current.CancellationToken))
            lines.Add((line.Number, Encoding.UTF8.GetString(line.Body)));
        return lines;
    }
}
