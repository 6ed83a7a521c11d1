using System.Collections.Frozen;
using System.Security.Cryptography;
using Recourse.Durable;

namespace Recourse.Server.Security;

/// <summary>
/// The keys as they count now. What this node changes counts at once; what another node of the same database changed counts within
/// <see cref="Refresh"/>. While the store is away, the keys that were known last go on counting.
/// </summary>
internal sealed class KeyRing(Func<MessageStore> store, bool shared, TimeProvider time)
{
    public static readonly TimeSpan Refresh = TimeSpan.FromSeconds(2);

    private static readonly byte[] NoHash = new byte[SHA256.HashSizeInBytes];

    private volatile FrozenDictionary<string, ApiKey> _keys = FrozenDictionary<string, ApiKey>.Empty;
    private long _readAt;
    private int _reading;

    /// <summary>
    /// Keys are in use: without one nothing is let in. A key that is over counts here, so that its end opens no door.
    /// </summary>
    public bool InUse => _keys.Count > 0;

    /// <summary>All keys and sessions as they were read last.</summary>
    public IEnumerable<ApiKey> All => _keys.Values;

    public async Task ReadAsync(CancellationToken cancellationToken = default)
    {
        var keys = await store().Queries.KeysAsync(cancellationToken);
        _keys = keys.ToFrozenDictionary(key => key.Id, StringComparer.Ordinal);
        Interlocked.Exchange(ref _readAt, time.GetTimestamp());
    }

    /// <summary>Reads again when another node may have changed something; one caller reads, the others need not wait.</summary>
    public async ValueTask RefreshAsync(CancellationToken cancellationToken)
    {
        if (!shared || time.GetElapsedTime(Interlocked.Read(ref _readAt)) < Refresh || Interlocked.Exchange(ref _reading, 1) == 1)
            return;
        try
        {
            await ReadAsync(cancellationToken);
        }
        catch (StoreException)
        {
            // The store's own health tells of it; the next look is as long away as after a good one.
            Interlocked.Exchange(ref _readAt, time.GetTimestamp());
        }
        finally
        {
            Volatile.Write(ref _reading, 0);
        }
    }

    /// <summary>The key that a secret is of; null when there is none, or when it is over.</summary>
    public ApiKey? Find(string? text)
    {
        if (!KeySecret.TryParse(text, out var secret))
            return null;
        var key = _keys.GetValueOrDefault(secret.Id);
        // Compared also where there is nothing to compare with: how long it takes tells nothing about ids.
        var same = CryptographicOperations.FixedTimeEquals(secret.Hash(), key is null ? NoHash : key.Hash.Span);
        return same && key is not null && !(key.ExpiresAt <= time.GetUtcNow()) ? key : null;
    }
}
