using System.Numerics;

namespace Recourse.Durable;

/// <summary>
/// Where a claim has to look: which ranks of a route may have something waiting, in lanes and outside. A mark that is wrong costs one look,
/// which takes it away; a missing one would lose a delivery, so whatever begins to wait sets its mark.
/// </summary>
internal sealed class ClaimSources
{
    private const uint Every = (1u << (2 * Ranks.Count)) - 1;

    // Until it was looked, everything may be there.
    private uint _outside = Every;
    private uint _inLanes = Every;

    /// <summary>The ranks that may wait, in lanes or not, as bits.</summary>
    public uint Any => _outside | _inLanes;

    public bool Has(int rank, bool inLane) => ((inLane ? _inLanes : _outside) & Bit(rank)) != 0;

    public void Mark(int rank, bool inLane)
    {
        if (inLane)
            _inLanes |= Bit(rank);
        else
            _outside |= Bit(rank);
    }

    public void Clear(int rank, bool inLane)
    {
        if (inLane)
            _inLanes &= ~Bit(rank);
        else
            _outside &= ~Bit(rank);
    }

    /// <summary>Takes the highest rank out of a set of bits; null when it is empty.</summary>
    public static int? Highest(ref uint ranks)
    {
        if (ranks == 0)
            return null;
        var bit = BitOperations.Log2(ranks);
        ranks &= ~(1u << bit);
        return bit + Ranks.Lowest;
    }

    private static uint Bit(int rank) => 1u << (rank - Ranks.Lowest);
}
