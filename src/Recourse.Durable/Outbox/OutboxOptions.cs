namespace Recourse.Durable;

/// <summary>How the outbox of an application is moved into the store.</summary>
public sealed record OutboxOptions
{
    /// <summary>How often the table is looked at while nobody calls <see cref="Outbox.Notify"/>. Default 1 s; more than zero.</summary>
    public TimeSpan Poll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The most messages that are moved at once. Default 200; 1 to 10,000.</summary>
    public int BatchMax { get; init; } = 200;

    /// <summary>
    /// How long a message that was moved, and could not be taken out of the table because the process or the database ended, is known.
    /// Default 30 days; more than zero. After a longer stop at just that moment it would be sent twice.
    /// </summary>
    public TimeSpan Remember { get; init; } = TimeSpan.FromDays(30);

    internal OutboxOptions Checked()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Poll, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Remember, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(BatchMax, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BatchMax, 10_000);
        return this;
    }
}
