using System.Security.Cryptography;

namespace Recourse.Cli.Demo;

/// <summary>What became of the answer to a message that a service had applied.</summary>
internal enum AnswerFate
{
    /// <summary>The service is still at it.</summary>
    Open,
    /// <summary>The answer was handed to the network.</summary>
    Sent,
    /// <summary>The caller had gone, or may have gone, before the answer was written.</summary>
    CallerGone,
    /// <summary>The service withheld the answer on purpose.</summary>
    Withheld,
}

/// <summary>When a request came in: its place among all, and the stamp of the ledger's clock.</summary>
internal readonly record struct Arrival(long Sequence, long At);

/// <summary>One time that a service applied a message. Times are stamps of the ledger's clock.</summary>
internal sealed class Effect
{
    public required string MessageId { get; init; }
    public required string Service { get; init; }
    public required string DeliveryId { get; init; }
    public required string IdempotencyKey { get; init; }
    public required string BodyHash { get; init; }
    public required Arrival Arrival { get; init; }

    /// <summary>The number that the relay gave this attempt.</summary>
    public int Attempt { get; init; }
    public long EndedAt { get; set; } = long.MaxValue;
    public AnswerFate Answer { get; set; }
}

/// <summary>A message that the relay acknowledged, and the services that must get it.</summary>
internal sealed record SentMessage(string Id, string Queue, string BodyHash, string? OrderKey, IReadOnlyList<string> Services);

/// <summary>
/// What senders and services saw, noted on their side of the network: the relay's own counts are never used to fill it. Thread-safe; holds
/// some 300 bytes a message.
/// </summary>
internal sealed class Ledger(TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly List<SentMessage> _sent = [];
    private readonly Dictionary<string, int> _times = [];
    private readonly List<Effect> _effects = [];
    private readonly List<long> _kills = [];
    private long _sequence;

    /// <summary>The clock whose stamps the effects carry.</summary>
    public TimeProvider Clock { get; } = clock;

    /// <summary>The hash by which bodies are compared.</summary>
    public static string Hash(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    /// <summary>
    /// Notes a message once its 202 is there. In the order of the calls, for messages of one order key. False if its id was there before.
    /// </summary>
    public bool Acknowledge(SentMessage message)
    {
        lock (_gate)
        {
            _times[message.Id] = _times.GetValueOrDefault(message.Id) + 1;
            if (_times[message.Id] > 1) return false;
            _sent.Add(message);
            return true;
        }
    }

    /// <summary>Notes that a request came in. What is applied late still has the place of its request.</summary>
    public Arrival Arrive()
    {
        lock (_gate) return new(++_sequence, Clock.GetTimestamp());
    }

    /// <summary>Notes that a service applies a message.</summary>
    public Effect Apply(Arrival arrival, string service, string messageId, string deliveryId, string idempotencyKey,
        ReadOnlySpan<byte> body, int attempt = 0)
    {
        var hash = Hash(body);
        lock (_gate)
        {
            var effect = new Effect
            {
                MessageId = messageId,
                Service = service,
                DeliveryId = deliveryId,
                IdempotencyKey = idempotencyKey,
                BodyHash = hash,
                Arrival = arrival,
                Attempt = attempt,
            };
            _effects.Add(effect);
            return effect;
        }
    }

    /// <summary>Notes how the answer to an effect ended.</summary>
    public void Answer(Effect effect, AnswerFate fate)
    {
        lock (_gate)
        {
            effect.Answer = fate;
            effect.EndedAt = Clock.GetTimestamp();
        }
    }

    /// <summary>Notes that the relay is killed now; call it right after the signal went out.</summary>
    public void Killed()
    {
        lock (_gate) _kills.Add(Clock.GetTimestamp());
    }

    /// <summary>How many messages were acknowledged, and how often services applied one, so far.</summary>
    public (int Acknowledged, int Effects) Counts
    {
        get
        {
            lock (_gate) return (_sent.Count, _effects.Count);
        }
    }

    /// <summary>Everything noted so far.</summary>
    public LedgerPage Read()
    {
        lock (_gate) return new([.. _sent], [.. _effects], [.. _kills]);
    }
}

/// <summary>The ledger at one moment.</summary>
internal sealed record LedgerPage(IReadOnlyList<SentMessage> Sent, IReadOnlyList<Effect> Effects, IReadOnlyList<long> Kills);
