using System.Buffers.Binary;

namespace Recourse.Durable;

/// <summary>
/// Makes UUIDs of version 7 that only rise: time in milliseconds, a counter of 26 bits that starts anew each millisecond, 48 random bits.
/// Rising ids keep the unique index append-only, which is worth more than any other setting of a B-tree. Not safe for several threads.
/// </summary>
internal sealed class MessageIds(Guid last = default)
{
    private const uint CounterMax = (1u << 26) - 1;

    private long _ms = last == default ? 0 : Milliseconds(last);
    private uint _counter = CounterMax;

    /// <summary>The next id; larger than all before it even when the clock went back.</summary>
    public Guid Next(DateTimeOffset now)
    {
        var ms = now.ToUnixTimeMilliseconds();
        if (ms > _ms)
        {
            _ms = ms;
            _counter = (uint)Random.Shared.Next(1 << 20);
        }
        else if (_counter < CounterMax)
        {
            _counter++;
        }
        else
        {
            _ms++;
            _counter = (uint)Random.Shared.Next(1 << 20);
        }

        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes[8..], Random.Shared.NextInt64());
        BinaryPrimitives.WriteInt64BigEndian(bytes, (_ms << 16) | 0x7000 | (_counter >> 14));
        BinaryPrimitives.WriteUInt16BigEndian(bytes[8..], (ushort)(0x8000 | (_counter & 0x3FFF)));
        return new Guid(bytes, bigEndian: true);
    }

    private static long Milliseconds(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadInt64BigEndian(bytes) >> 16;
    }
}
