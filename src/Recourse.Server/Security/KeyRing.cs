using System.Collections.Frozen;
using System.Security.Cryptography;
using Recourse.Durable;

namespace Recourse.Server.Security;

/// <summary>
/// The keys as they count now. What this node changes counts at once; what another node of the same database changed counts within
/// <see cref="Refresh"/>. While the store is away, the keys that were known last go on counting.
/// </summary>
internal sealed class KeyRing(Func<MessageStore> store, bool shared, TimeProvider time) : IDisposable
{
    public static readonly TimeSpan Refresh = TimeSpan.FromSeconds(2);

    private static readonly byte[] NoHash = new byte[SHA256.HashSizeInBytes];

    private volatile FrozenDictionary<string, ApiKey> _keys = FrozenDictionary<string, ApiKey>.Empty;
    private readonly SemaphoreSlim _one = new(1);
    private long _readAt;
    private int _reading;
    private volatile bool _stale;

    /// <summary>
    /// Keys are in use: without one nothing is let in. A key that is over counts here, so that its end opens no door.
    /// </summary>
    public bool InUse => _keys.Count > 0;

    /// <summary>All keys and sessions as they were read last.</summary>
    public IEnumerable<ApiKey> All => _keys.Values;

    public async Task ReadAsync(CancellationToken cancellationToken = default)
    {
        // One after the other: what was read first must not take the place of what was read last.
        await _one.WaitAsync(cancellationToken);
        try
        {
            _stale = false;
            var keys = await store().Queries.KeysAsync(cancellationToken);
            _keys = keys.ToFrozenDictionary(key => key.Id, StringComparer.Ordinal);
            Interlocked.Exchange(ref _readAt, time.GetTimestamp());
        }
        catch
        {
            _stale = true;
            throw;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Keys were changed here. What cannot be read now is read before the next request is let in.</summary>
    public async Task ChangedAsync()
    {
        try
        {
            await ReadAsync();
        }
        catch (StoreException)
        {
            // The change is committed; whoever made it is told so.
        }
    }

    /// <summary>Reads again when another node may have changed something, or the last look failed; one caller reads, the others need not
    /// wait.</summary>
    public async ValueTask RefreshAsync(CancellationToken cancellationToken)
    {
        var due = _stale || (shared && time.GetElapsedTime(Interlocked.Read(ref _readAt)) >= Refresh);
        if (!due || Interlocked.Exchange(ref _reading, 1) == 1)
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

    public void Dispose() => _one.Dispose();
}
