using Recourse.Durable;

namespace Recourse.Server.Tests.Serve;

public class SecondChanceTests
{
    private static readonly DateTimeOffset Died = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DeadLetterConfiguration Rules =
        new() { MaxRetries = 2, RetryDelay = TimeSpan.FromSeconds(300), Retention = TimeSpan.FromDays(30) };

    [Theory]
    [InlineData(299, 0, Persistence.Transient, FaultKind.Timeout, false)]
    [InlineData(300, 0, Persistence.Transient, FaultKind.Timeout, true)]
    [InlineData(300, 1, Persistence.Unknown, FaultKind.Unknown, true)]
    [InlineData(300, 2, Persistence.Transient, FaultKind.Timeout, false)]
    [InlineData(300, 0, Persistence.Permanent, FaultKind.BadRequest, false)]
    [InlineData(300, 0, Persistence.Unknown, FaultKind.PoisonMessage, false)]
    [InlineData(300, 0, Persistence.Unknown, FaultKind.OutcomeUnknown, false)]
    public void A_dead_letter_is_replayed_by_itself_when_its_fault_may_pass(int seconds, int generation, Persistence persistence,
        FaultKind kind, bool due) =>
        Assert.Equal(due, SecondChance.IsDue(Letter(generation, persistence, kind), Rules, Died.AddSeconds(seconds)));

    [Theory]
    [InlineData(29, false)]
    [InlineData(30, true)]
    public void A_dead_letter_is_kept_for_its_retention(int days, bool over) =>
        Assert.Equal(over, SecondChance.IsOver(Letter(0, Persistence.Permanent, FaultKind.BadRequest), Rules, Died.AddDays(days)));

    [Fact]
    public void Without_rules_nothing_happens_by_itself()
    {
        var letter = Letter(0, Persistence.Transient, FaultKind.Timeout);
        Assert.False(SecondChance.IsDue(letter, new(), DateTimeOffset.MaxValue));
        Assert.False(SecondChance.IsOver(letter, new(), DateTimeOffset.MaxValue));
    }

    private static DeliverySummary Letter(int generation, Persistence persistence, FaultKind kind) => new()
    {
        Id = new(Guid.Empty, 0),
        Queue = "q",
        Service = "s",
        State = DeliveryState.Dead,
        Generation = generation,
        CreatedAt = Died.AddHours(-1),
        AttemptCount = 1,
        Persistence = persistence,
        Kind = kind,
        DeadAt = Died,
    };
}
