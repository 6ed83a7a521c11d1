using System.Text;
using Recourse.Server.Dashboard;

namespace Recourse.Server.Tests.Dashboard;

public class PayloadViewTests
{
    [Fact]
    public void JSON_is_indented_without_changing_a_number_or_the_order_of_fields()
    {
        var view = View("""{"b":1.50,"a":12345678901234567890123,"c":"Ä<&","b":1e400}""");
        Assert.Equal(PayloadForm.Json, view.Form);
        Assert.Equal("{\n  \"b\": 1.50,\n  \"a\": 12345678901234567890123,\n  \"c\": \"Ä<&\",\n  \"b\": 1e400\n}",
            view.Text.ReplaceLineEndings("\n"));
        Assert.True(view.Whole);
    }

    [Theory]
    [InlineData("{\"half\":")]
    [InlineData("{\"bad\":\"\\ud800\"}")]
    [InlineData("plain words")]
    [InlineData("42")]
    [InlineData("   ")]
    public void What_is_not_JSON_is_shown_as_it_is(string body)
    {
        var view = View(body);
        Assert.Equal(PayloadForm.Text, view.Form);
        Assert.Equal(body, view.Text);
    }

    [Fact]
    public void JSON_nested_too_deep_is_shown_as_text() =>
        Assert.Equal(PayloadForm.Text, View(new string('[', 5000) + new string(']', 5000)).Form);

    [Fact]
    public void An_empty_body_is_empty() => Assert.Equal(new(PayloadForm.Empty, "", 0, 0), View(""));

    [Fact]
    public void Bytes_are_dumped_sixteen_a_row()
    {
        var view = PayloadView.Of(new(new byte[] { 0x1f, 0x8b, 0, 0x41, 0x3c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0x5a }, null, null));
        Assert.Equal(PayloadForm.Hex, view.Form);
        Assert.Equal(
            "00000000  1f 8b 00 41 3c 01 02 03  04 05 06 07 08 09 0a 0b  ...A<...........\n"
            + "00000010  5a                                                Z\n", view.Text);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Long_text_is_cut_between_characters(int shift)
    {
        var view = View(new string('x', shift) + string.Concat(Enumerable.Repeat("😀", PayloadView.TextBytesMax / 4)));
        Assert.Equal(PayloadForm.Text, view.Form);
        Assert.InRange(view.ShownBytes, PayloadView.TextBytesMax - 3, PayloadView.TextBytesMax);
        Assert.Equal(view.ShownBytes, Encoding.UTF8.GetByteCount(view.Text));
        Assert.Equal(shift == 0, view.Whole);
        Assert.DoesNotContain('\uFFFD', view.Text);
    }

    [Fact]
    public void Large_bodies_are_bounded_in_every_form()
    {
        var json = View("[" + string.Join(',', Enumerable.Repeat("1", PayloadView.JsonBytesMax)) + "]");
        Assert.Equal((PayloadForm.Text, PayloadView.TextBytesMax), (json.Form, json.ShownBytes));
        var binary = PayloadView.Of(new(Enumerable.Repeat((byte)0xff, 1_000_000).ToArray(), null, null));
        Assert.Equal((PayloadForm.Hex, PayloadView.HexBytesMax, 1_000_000), (binary.Form, binary.ShownBytes, binary.SizeBytes));
        Assert.InRange(binary.Text.Length, 1, PayloadView.HexBytesMax * 5);
    }

    private static PayloadView View(string body) => PayloadView.Of(new(Encoding.UTF8.GetBytes(body), "application/json", null));
}
