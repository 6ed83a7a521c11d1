using Recourse.Cli.Demo;
using Recourse.Tests;

namespace Recourse.Server.Tests.Cli;

public class FindingsTests
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(5);
    private readonly ManualClock _clock = new();
    private readonly Ledger _ledger;

    public FindingsTests() => _ledger = new(_clock);

    [Fact]
    public void A_delivery_that_arrived_nowhere_is_missing_for_that_service_only()
    {
        Send("m1", "a", "b");
        Arrive("m1", "a");
        var found = Read();
        Assert.Equal((2, 1), (found.Owed, found.Arrived));
        Assert.Equal([("m1", "b")], found.Missing);
    }

    [Fact]
    public void A_body_that_differs_by_one_byte_is_altered()
    {
        Send("m1", "a");
        _ledger.Answer(_ledger.Apply(_ledger.Arrive(), "a", "m1", "m1.0", "key", "other"u8), AnswerFate.Sent);
        Assert.Equal(1, Read().Altered);
    }

    [Fact]
    public void A_repeat_after_an_answer_that_arrived_has_no_cause()
    {
        Send("m1", "a");
        Arrive("m1", "a");
        Arrive("m1", "a");
        var found = Read();
        Assert.Equal((0, 0, 1), (found.RepeatedAfterLostAnswer, found.RepeatedAfterKill, found.RepeatedWithoutCause));
    }

    [Theory]
    [InlineData(nameof(AnswerFate.Withheld))]
    [InlineData(nameof(AnswerFate.CallerGone))]
    public void A_repeat_after_an_answer_that_did_not_arrive_is_explained_by_it(string fate)
    {
        Send("m1", "a");
        Arrive("m1", "a", Enum.Parse<AnswerFate>(fate));
        Arrive("m1", "a");
        Assert.Equal((1, 0), (Read().RepeatedAfterLostAnswer, Read().RepeatedWithoutCause));
    }

    [Theory]
    [InlineData(4, 1, 0)]
    [InlineData(6, 0, 1)]
    public void A_repeat_over_a_kill_is_explained_only_if_the_answer_was_fresh(int secondsBeforeTheKill, int afterKill, int withoutCause)
    {
        Send("m1", "a");
        Arrive("m1", "a");
        _clock.Advance(TimeSpan.FromSeconds(secondsBeforeTheKill));
        _ledger.Killed();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Arrive("m1", "a");
        Assert.Equal((afterKill, withoutCause), (Read().RepeatedAfterKill, Read().RepeatedWithoutCause));
    }

    [Fact]
    public void A_kill_before_the_first_arrival_explains_no_repeat()
    {
        _ledger.Killed();
        _clock.Advance(TimeSpan.FromSeconds(1));
        Send("m1", "a");
        Arrive("m1", "a");
        Arrive("m1", "a");
        Assert.Equal(1, Read().RepeatedWithoutCause);
    }

    [Fact]
    public void A_repeat_under_another_idempotency_key_is_counted()
    {
        Send("m1", "a");
        Arrive("m1", "a", AnswerFate.Withheld, key: "k");
        Arrive("m1", "a", key: "k.g1");
        Assert.Equal(1, Read().KeyChanged);
    }

    [Fact]
    public void The_order_of_a_key_is_that_of_the_receipts_and_other_keys_do_not_matter()
    {
        Send("m1", "x", "a");
        Send("m2", "x", "a");
        Send("m3", "y", "a");
        foreach (var id in new[] { "m3", "m2", "m1" }) Arrive(id, "a");
        Assert.Equal(1, Read(keyed: true).OutOfOrder);

        void Send(string id, string key, string service) =>
            _ledger.Acknowledge(new(id, "q", Ledger.Hash("body"u8), key, [service]));
    }

    [Fact]
    public void A_repeat_does_not_break_the_order()
    {
        foreach (var id in new[] { "m1", "m2" }) _ledger.Acknowledge(new(id, "q", Ledger.Hash("body"u8), "x", ["a"]));
        Arrive("m1", "a", AnswerFate.Withheld);
        Arrive("m2", "a");
        Arrive("m1", "a");
        Assert.Equal(0, Read().OutOfOrder);
    }

    [Fact]
    public void What_is_applied_late_has_the_place_of_its_request()
    {
        Send("m1", "a");
        var slow = _ledger.Arrive();
        Arrive("m1", "a");
        _ledger.Answer(_ledger.Apply(slow, "a", "m1", "m1.0", "key", "body"u8), AnswerFate.CallerGone);
        Assert.Equal((1, 0), (Read().RepeatedAfterLostAnswer, Read().RepeatedWithoutCause));
    }

    [Fact]
    public void Repeats_are_counted_by_kill_and_service()
    {
        foreach (var id in new[] { "m1", "m2", "m3" }) Send(id, "a", "b");
        foreach (var id in new[] { "m1", "m2", "m3" }) Arrive(id, "a");
        Arrive("m1", "b");
        _ledger.Killed();
        foreach (var id in new[] { "m1", "m2" }) Arrive(id, "a");
        Arrive("m1", "b");
        _ledger.Killed();
        Arrive("m3", "a");
        var found = Read();
        Assert.Equal((4, 3), (found.RepeatedAfterKill, found.MostAfterOneKill));
    }

    [Fact]
    public void An_arrival_without_a_receipt_is_counted()
    {
        Arrive("stranger", "a");
        Assert.Equal(1, Read().Unacknowledged);
    }

    private void Send(string id, params string[] services) => _ledger.Acknowledge(new(id, "q", Ledger.Hash("body"u8), null, services));

    private void Arrive(string id, string service, AnswerFate fate = AnswerFate.Sent, string key = "key") =>
        _ledger.Answer(_ledger.Apply(_ledger.Arrive(), service, id, $"{id}.0", key, "body"u8), fate);

    private Findings Read(bool keyed = false) => Findings.From(_ledger.Read(), _clock, keyed ? TimeSpan.Zero : Window);
}
