using FsCheck;
using FsCheck.Fluent;

namespace Recourse.Durable.Tests;

public class ErrorTemplateTests
{
    [Theory]
    [InlineData(null, "")]
    [InlineData("   ", "")]
    [InlineData("Timeout after 800 ms on order 4711", "Timeout after <*> ms on order <*>")]
    [InlineData("timed out after 800ms", "timed out after <*>")]
    [InlineData("no customer 0198c0de-0000-7000-8000-00000000abcd", "no customer <*>")]
    [InlineData("hash deadbeefcafe does not match", "hash <*> does not match")]
    [InlineData("The field 'postal code' is required", "The field <*> is required")]
    [InlineData("unexpected \"x\" in `y`", "unexpected <*> in <*>")]
    [InlineData("{\"error\":\"no such customer 17\",\"id\":\"x\"}", "{\"error\":\"no such customer <*>\",\"id\":<*>}")]
    [InlineData("the customer's order can't be found", "the customer's order can't be found")]
    [InlineData("connect 10.0.0.7:5432 refused", "connect <*> refused")]
    [InlineData("at 2026-11-22T05:36:27.123Z: closed", "at <*>: closed")]
    [InlineData("at 2026-11-22T05:36:27.123+01:00, closed", "at <*>, closed")]
    [InlineData("GET /orders/4711/lines/3?page=2&size=10 failed", "GET /orders/<*>/lines/<*> failed")]
    [InlineData("cannot open /var/lib/app/run-17/data.db", "cannot open /var/lib/app/<*>/data.db")]
    [InlineData("missing ids 1, 2, 3", "missing ids <*>")]
    [InlineData("missing ids 1, 2, 3, 4, 5", "missing ids <*>")]
    [InlineData("SQLITE_BUSY (5): database is locked", "SQLITE_BUSY (<*>): database is locked")]
    [InlineData("amount 1,024.50 exceeds 99%", "amount <*> exceeds <*>%")]
    [InlineData("line one\r\n\tline two", "line one line two")]
    [InlineData("0x80070005 access denied", "<*> access denied")]
    [InlineData("Größe ungültig: 12", "Größe ungültig: <*>")]
    public void Values_go_and_words_stay(string? error, string expected) => Assert.Equal(expected, ErrorTemplate.Of(error));

    [Fact]
    public void A_template_is_its_own_template() => Prop.ForAll<string?>(error =>
    {
        var template = ErrorTemplate.Of(error);
        return template == ErrorTemplate.Of(template) && template.Length <= ErrorTemplate.CharsMax;
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Long_texts_of_odd_pieces_end_whole_and_stay_as_they_are(int seed)
    {
        string[] pieces = ["a", "7", "'", "\"", "?", "/", " ", ",", "<*>", "\ud83d\ude00", "…", ":", "\n", "ff00ff00ff", "é", "it's", "-"];
        var random = new Random(seed);
        for (var i = 0; i < 500; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 600)).Select(_ => pieces[random.Next(pieces.Length)]));
            var template = ErrorTemplate.Of(text);
            Assert.True(template.Length <= ErrorTemplate.CharsMax);
            Assert.Equal(template, ErrorTemplate.Of(template));
            Assert.DoesNotContain('\ufffd', System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(template)));
        }
    }

    [Fact]
    public void A_fingerprint_depends_on_each_of_its_parts_and_on_nothing_else()
    {
        var one = LetterGroups.Fingerprint("billing", "timeout", "503", "Timeout after <*>");
        Assert.Equal(one, LetterGroups.Fingerprint("billing", "timeout", "503", "Timeout after <*>"));
        Assert.NotEqual(one, LetterGroups.Fingerprint("mail", "timeout", "503", "Timeout after <*>"));
        Assert.NotEqual(one, LetterGroups.Fingerprint("billing", "conflict", "503", "Timeout after <*>"));
        Assert.NotEqual(one, LetterGroups.Fingerprint("billing", "timeout", null, "Timeout after <*>"));
        Assert.NotEqual(one, LetterGroups.Fingerprint("billing", "timeout", "503", "Timeout"));
        Assert.Equal(one, LetterGroups.Read(LetterGroups.Id(one)));
    }

    [Fact]
    public void Groups_have_a_bound_where_empty_ones_make_room_and_full_ones_take_in_the_rest()
    {
        var groups = new LetterGroups();
        for (var i = 0; i < LetterGroups.GroupsMax; i++)
            groups.Add("billing", "timeout", null, Letters(i), i);
        var rest = groups.Add("billing", "timeout", null, "one too many", 20_000);
        Assert.Equal(LetterGroups.Fingerprint("billing", "timeout", null, ErrorTemplate.Value), rest);
        Assert.Equal(rest, groups.Add("billing", "timeout", null, "and another", 20_001));
        groups.Written();
        groups.Leave(LetterGroups.Fingerprint("billing", "timeout", null, Letters(7)));
        groups.Leave(LetterGroups.Fingerprint("billing", "timeout", null, Letters(3)));
        Assert.NotEqual(rest, groups.Add("billing", "timeout", null, "room again", 20_002));
        Assert.DoesNotContain(groups.All, group => group.Template == Letters(3));
        Assert.Contains(groups.All, group => group.Template == Letters(7));
    }

    // A word without digits for each number, so that each makes a template of its own.
    private static string Letters(int number) => "error " + string.Concat(number.ToString("D5").Select(digit => (char)('g' + digit - '0')));
}
