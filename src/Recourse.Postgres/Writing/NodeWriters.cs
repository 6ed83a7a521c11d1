using Recourse.Durable;

namespace Recourse.Postgres;

/// <summary>What the writers of one node share: to the database they are as those of several nodes.</summary>
/// <param name="hasSessions">False behind a pooler that gives each transaction another session.</param>
/// <param name="arrivals">Who may take what is stored, if anybody.</param>
internal sealed class NodeWriters(bool hasSessions, Func<IArrivals?> arrivals)
{
    public bool HasSessions => hasSessions;

    /// <summary>Routes that this node made.</summary>
    public Changes Routes { get; } = new();

    /// <summary>Controls that were set or taken back at this node.</summary>
    public Changes Controls { get; } = new();

    /// <summary>What this node claimed, and has not ended yet.</summary>
    public InHand InHand { get; } = new();

    public IArrivals? Arrivals => arrivals();

    /// <summary>What was claimed with its storing, and may be nobody's.</summary>
    public LostArrivals LostArrivals { get; } = new();
}

/// <summary>How often something was changed by one writer: what another one keeps of it in memory is then old.</summary>
internal sealed class Changes
{
    private int _times;

    public int Times => Volatile.Read(ref _times);

    public void Add() => Interlocked.Increment(ref _times);
}
