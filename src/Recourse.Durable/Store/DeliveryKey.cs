namespace Recourse.Durable;

/// <summary>
/// A delivery's key inside a store: the message's sequence number and the place of the service in its list, in one integer. All deliveries
/// of a message are one range of keys, and a smaller key was stored earlier.
/// </summary>
internal static class DeliveryKey
{
    public const int ServicesMax = 256;

    public static long Of(long sequence, int index) => (sequence << 8) | (uint)index;

    public static long Sequence(long key) => key >> 8;

    public static int Index(long key) => (int)(key & 0xFF);
}
