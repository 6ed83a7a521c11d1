using System.Security.Cryptography;
using System.Text;

namespace Recourse.Durable;

/// <summary>Refuses messages that no store could keep, and does on the caller's thread what the writer need not do.</summary>
internal static class EnqueueChecks
{
    private const int KeyCharsMax = 512;
    private const int HeadersMax = 128;

    /// <summary>Checks the message, and hashes its body when it has an idempotency key.</summary>
    /// <exception cref="ArgumentException">The message breaks a bound; the text names it.</exception>
    public static void Prepare(EnqueueCommand command)
    {
        var message = command.Message;
        Check(message, isSealed: command.Id is not null);
        if (command.IdempotencyWindow <= TimeSpan.Zero)
            throw new ArgumentException($"EnqueueCommand.IdempotencyWindow is {command.IdempotencyWindow}; it must be more than zero.");
        if (message.IdempotencyKey is not null)
            command.ContentHash ??= Hash(message);
    }

    /// <summary>Checks what a message has, however it comes in; only what is sealed may have the type that says so.</summary>
    /// <exception cref="ArgumentException">The message breaks a bound; the text names it.</exception>
    public static void Check(NewMessage message, bool isSealed)
    {
        if (!isSealed)
            SealedPayload.Refuse(message.ContentType, "NewMessage.ContentType");
        CheckName(message.Queue, "NewMessage.Queue");
        CheckServices(message.Services);
        CheckLength(message.OrderKey, "NewMessage.OrderKey");
        CheckLength(message.IdempotencyKey, "NewMessage.IdempotencyKey");
        CheckLength(message.ContentType, "NewMessage.ContentType");
        CheckLength(message.TraceParent, "NewMessage.TraceParent");
        CheckHeaders(message.Headers);
        if (message.Priority is < 0 or > Ranks.Highest)
            throw new ArgumentException($"NewMessage.Priority is {message.Priority}; it must be 0 to {Ranks.Highest}.");
    }

    private static void CheckHeaders(IReadOnlyDictionary<string, string>? headers)
    {
        if (headers is null or { Count: 0 })
            return;
        if (headers.Count > HeadersMax)
            throw new ArgumentException($"NewMessage.Headers has {headers.Count} entries; at most {HeadersMax} are kept.");
        var names = new HashSet<string>(headers.Count, StringComparer.OrdinalIgnoreCase);
        foreach (var name in headers.Keys)
        {
            if (!names.Add(name))
                throw new ArgumentException($"NewMessage.Headers has '{name}' twice: names that differ only in case are one header.");
        }
    }

    private static void CheckServices(IReadOnlyList<string> services)
    {
        if (services.Count is 0 or > DeliveryKey.ServicesMax)
            throw new ArgumentException($"NewMessage.Services has {services.Count} names; it must have 1 to {DeliveryKey.ServicesMax}.");
        for (var i = 0; i < services.Count; i++)
        {
            CheckName(services[i], "NewMessage.Services");
            for (var j = 0; j < i; j++)
            {
                if (services[i] == services[j])
                    throw new ArgumentException($"NewMessage.Services names '{services[i]}' twice; each service gets one delivery.");
            }
        }
    }

    public static void CheckName(string name, string where)
    {
        var good = name.Length is > 0 and <= 64;
        foreach (var c in name.AsSpan())
            good &= char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-';
        if (!good)
            throw new ArgumentException($"{where} is '{name}'; a name has 1 to 64 of a-z 0-9 . _ -");
    }

    private static void CheckLength(string? text, string where)
    {
        if (text?.Length > KeyCharsMax)
            throw new ArgumentException($"{where} has {text.Length} characters; at most {KeyCharsMax} are kept.");
        CheckZero(text, where);
    }

    /// <summary>A zero is no character of a text in PostgreSQL, and what SQLite's tools show ends there.</summary>
    public static void CheckZero(string? text, string where)
    {
        if (text?.Contains('\0') is true)
            throw new ArgumentException($"{where} has a zero (U+0000), which not every store can keep; leave it out.");
    }

    // What makes a repeated message the same: its media type, its place in the order, its body.
    internal static byte[] Hash(NewMessage message)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(message.ContentType ?? ""));
        // A zero byte cannot stand in a media type, so the parts cannot run into each other; the key goes with its length.
        hash.AppendData([0]);
        if (message.OrderKey is { } key)
        {
            hash.AppendData([1, (byte)(key.Length >> 8), (byte)key.Length]);
            hash.AppendData(Encoding.UTF8.GetBytes(key));
        }
        hash.AppendData(message.Body.Span);
        return hash.GetHashAndReset();
    }
}
