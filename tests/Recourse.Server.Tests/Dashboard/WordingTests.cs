using Recourse.Server.Dashboard;

namespace Recourse.Server.Tests.Dashboard;

public class WordingTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 14, 2, 59, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, "0 ms")]
    [InlineData(999, "999 ms")]
    [InlineData(1_000, "1 s")]
    [InlineData(59_999, "59 s")]
    [InlineData(60_000, "1 min")]
    [InlineData(61_000, "1 min 1 s")]
    [InlineData(3_600_000, "1 h")]
    [InlineData(8_100_000, "2 h 15 min")]
    [InlineData(90_000_000, "1 d 1 h")]
    [InlineData(31_536_000_000, "365 d")]
    [InlineData(-5, "0 ms")]
    public void Spans_have_at_most_two_units(long milliseconds, string expected) =>
        Assert.Equal(expected, Wording.Span(TimeSpan.FromMilliseconds(milliseconds)));

    [Theory]
    [InlineData(0, "now")]
    [InlineData(-900, "now")]
    [InlineData(-12_000, "12 s ago")]
    [InlineData(12_000, "in 12 s")]
    public void Times_are_told_from_now(long offset, string expected) =>
        Assert.Equal(expected, Wording.Relative(Now.AddMilliseconds(offset), Now));

    [Fact]
    public void Exact_times_are_RFC_3339_in_UTC() =>
        Assert.Equal("2026-03-14T02:59:00.000Z", Wording.Exact(Now.ToOffset(TimeSpan.FromHours(2))));

    [Theory]
    [InlineData(0, "0")]
    [InlineData(1_234_567, "1,234,567")]
    public void Numbers_have_thousands_separators(long value, string expected) => Assert.Equal(expected, Wording.Number(value));

    [Theory]
    [InlineData(0, "0/s")]
    [InlineData(0.02, "1.2/min")]
    [InlineData(0.5, "0.5/s")]
    [InlineData(1234.4, "1,234/s")]
    public void Rates_are_told_in_the_unit_that_reads_well(double perSecond, string expected) =>
        Assert.Equal(expected, Wording.Rate(perSecond));

    [Theory]
    [InlineData(1, "1 byte")]
    [InlineData(1023, "1,023 bytes")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(5 * 1024 * 1024, "5 MiB")]
    public void Sizes_are_told_in_the_unit_that_reads_well(long bytes, string expected) => Assert.Equal(expected, Wording.Bytes(bytes));

    [Fact]
    public void Characters_that_deceive_are_shown_and_all_others_stay()
    {
        Assert.Equal("a\tb\r\nÄ 漢 😀", Wording.Visible("a\tb\r\nÄ 漢 😀"));
        Assert.Equal("\\u0000\\u001b[31m \\u202etxt.exe\\u2066 \\u200b\\ufeff",
            Wording.Visible("\0\u001b[31m \u202Etxt.exe\u2066 \u200b\ufeff"));
    }

    [Fact]
    public void Shortening_never_cuts_a_character_in_two()
    {
        Assert.Equal("abc", Wording.Shortened("abc", 3));
        Assert.Equal("ab…", Wording.Shortened("ab😀c", 3));
        Assert.Equal("ab😀…", Wording.Shortened("ab😀c", 4));
    }
}
