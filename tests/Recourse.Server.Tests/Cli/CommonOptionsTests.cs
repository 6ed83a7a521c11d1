using Recourse.Cli;

namespace Recourse.Server.Tests.Cli;

public class CommonOptionsTests
{
    [Theory]
    [InlineData("500ms", 0.5)]
    [InlineData("30s", 30)]
    [InlineData("5m", 300)]
    [InlineData("2h", 7_200)]
    [InlineData("0s", 0)]
    public void A_duration_is_a_whole_number_with_its_unit(string text, double seconds)
    {
        Assert.True(CommonOptions.TryReadDuration(text, out var time));
        Assert.Equal(seconds, time.TotalSeconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("30")]
    [InlineData("s")]
    [InlineData("-5s")]
    [InlineData("1.5h")]
    [InlineData("9999h")]
    [InlineData("99999999999999999999s")]
    public void Anything_else_is_refused(string text) => Assert.False(CommonOptions.TryReadDuration(text, out _));
}
