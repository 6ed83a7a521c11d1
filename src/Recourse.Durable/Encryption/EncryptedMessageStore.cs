using System.Security.Cryptography;

namespace Recourse.Durable;

/// <summary>
/// A store whose bodies, content types and headers are sealed with keys of the user's before they reach the store within, and opened when
/// they leave it. Everything else (queues, order keys, times, errors, notes) stays readable to the store. Without a key it only looks that
/// no row needs one.
/// </summary>
public sealed class EncryptedMessageStore : MessageStore
{
    private const int RekeyBatch = 100;
    private readonly MessageStore _inner;
    private readonly IReadOnlyList<PayloadKey> _keys;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly MessageIds _ids = new();

    /// <param name="inner">The store that keeps what is sealed; it is opened and closed with this one.</param>
    /// <param name="keys">The first seals; the others only open what was sealed before. None leaves new payloads as they are.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <exception cref="ArgumentException">Two keys have the same id.</exception>
    public EncryptedMessageStore(MessageStore inner, IReadOnlyList<PayloadKey> keys, TimeProvider? time = null)
    {
        if (keys.Select(key => key.Id).Distinct().Count() != keys.Count)
            throw new ArgumentException("Two payload keys have the same id.");
        (_inner, _keys, _time) = (inner, keys, time ?? TimeProvider.System);
    }

    private PayloadKey? Active => _keys.Count > 0 ? _keys[0] : null;

    /// <inheritdoc/>
    public override StoreQueries Queries => new PayloadQueries(_inner.Queries, Open);

    /// <inheritdoc/>
    public override StoreNodes? Nodes => _inner.Nodes;

    /// <inheritdoc/>
    internal override IArrivals? Arrivals
    {
        get => base.Arrivals;
        set => (base.Arrivals, _inner.Arrivals) = (value, value is null ? null : new OpenedArrivals(value, Opened));
    }

    /// <inheritdoc/>
    public override Task TrimAsync() => _inner.TrimAsync();

    /// <inheritdoc/>
    /// <exception cref="StoreException">Rows need a key that is not given, or another key is given under its id.</exception>
    public override async Task<StoreOpening> OpenAsync(CancellationToken cancellationToken = default)
    {
        (_inner.BlocksLaneWhenDead, _inner.Node) = (BlocksLaneWhenDead, Node);
        var opening = await _inner.OpenAsync(cancellationToken);
        var noted = await _inner.Queries.PayloadKeysAsync(cancellationToken);
        foreach (var note in noted)
        {
            if (_keys.FirstOrDefault(key => key.Id == note.Id) is not { } key)
                throw new StoreException($"Payloads in the store are sealed with the key '{note.Id}', which is not given. "
                    + "Add it to the keys, behind the active one; `recourse db rekey` makes it superfluous.", StoreProblem.Other);
            if (!CryptographicOperations.FixedTimeEquals(key.Check, note.Check))
                throw new StoreException($"The key that is given as '{note.Id}' is not the one that payloads in the store are sealed with. "
                    + "Give the right one, and a new key an id of its own.", StoreProblem.Other);
        }
        if (Active is { } active && noted.All(note => note.Id != active.Id))
            await _inner.CommitAsync(new NotePayloadKeyCommand(active.Id, active.Check, inUse: true), cancellationToken);
        return opening;
    }

    /// <inheritdoc/>
    public override ValueTask<TResult> CommitAsync<TResult>(StoreCommand<TResult> command, CancellationToken cancellationToken = default) =>
        Active is not { } active ? _inner.CommitAsync(command, cancellationToken) : command switch
        {
            EnqueueCommand enqueue => As<TResult, EnqueueResult>(EnqueueAsync(active, enqueue, cancellationToken)),
            EditPayloadCommand edit => As<TResult, DeadLetterOutcome>(EditAsync(active, edit, cancellationToken)),
            ImportLetterCommand import => As<TResult, ImportOutcome>(ImportAsync(active, import, cancellationToken)),
            ClaimCommand claim => As<TResult, ClaimResult>(ClaimAsync(claim, cancellationToken)),
            _ => _inner.CommitAsync(command, cancellationToken),
        };

    private static ValueTask<TResult> As<TResult, TActual>(ValueTask<TActual> task) => (ValueTask<TResult>)(object)task;

    private async ValueTask<EnqueueResult> EnqueueAsync(PayloadKey active, EnqueueCommand command, CancellationToken cancellationToken)
    {
        var message = command.Message;
        var id = NextId();
        var sealedMessage = message with
        {
            Body = SealedPayload.Seal(
                active, id, null, new(message.Queue, message.ContentType, HeaderText.Write(message.Headers), message.Body)),
            ContentType = SealedPayload.TypeOf(active.Id),
            Headers = null,
        };
        // The bounds are those of the message as it came, and the hash is of the open body: its seal differs every time.
        EnqueueChecks.Prepare(command);
        var plain = command.ContentHash;
        var within = new EnqueueCommand(sealedMessage)
        {
            IdempotencyWindow = command.IdempotencyWindow,
            Id = id,
            ContentHash = plain is null ? null : HMACSHA256.HashData(active.Hashing, plain),
            // Of a message that was sent before the key changed, or before there was one. In one look with the new one: a window that ends
            // between two looks would store what is asked for last.
            OlderHashes = plain is null ? [] : [.. _keys.Skip(1).Select(key => HMACSHA256.HashData(key.Hashing, plain)), plain],
        };
        command.Result = await _inner.CommitAsync(within, cancellationToken);
        command.IsTaken = within.IsTaken;
        return command.Result;
    }

    private Guid NextId()
    {
        lock (_lock)
            return _ids.Next(_time.GetUtcNow());
    }

    private async ValueTask<DeadLetterOutcome> EditAsync(PayloadKey active, EditPayloadCommand edit, CancellationToken cancellationToken)
    {
        if (await _inner.Queries.DeliveryAsync(edit.Id, cancellationToken) is not { } letter)
            return edit.Result = DeadLetterOutcome.NotFound;
        var before = await Queries.PayloadAsync(edit.Id, cancellationToken);
        // The headers too: those of the message are in a seal of its own, which a claim of the edited body does not open.
        var open = new OpenPayload(letter.Queue, edit.ContentType ?? before?.ContentType, HeaderText.Write(before?.Headers), edit.Body);
        return edit.Result = await _inner.CommitAsync(new EditPayloadCommand(
            edit.Id, edit.Actor, edit.Reason, SealedPayload.Seal(active, edit.Id.MessageId, edit.Id.Index, open))
        {
            SealedType = SealedPayload.TypeOf(active.Id),
            IfEdits = edit.IfEdits,
        }, cancellationToken);
    }

    private async ValueTask<ImportOutcome> ImportAsync(
        PayloadKey active, ImportLetterCommand import, CancellationToken cancellationToken)
    {
        var (letter, id) = (import.Letter, import.Letter.Id);
        SealedPayload.Refuse(import.Original.ContentType, "ImportLetterCommand.Original.ContentType");
        SealedPayload.Refuse(import.Edited?.ContentType, "ImportLetterCommand.Edited.ContentType");
        Payload? edited = import.Edited is { } edit ? Sealed(edit, id.Index) : null;
        import.Result = await CommitAsync(Sealed(import.Original, null));
        // Another delivery of the same message may be there, whose seal differs: what it holds decides.
        if (import.Result is ImportOutcome.Conflict && await _inner.Queries.MessageAsync(id.MessageId, cancellationToken) is { } message
            && message.Queue == letter.Queue && message.Deliveries is [var other, ..]
            && await _inner.Queries.OriginalPayloadAsync(other.Id, cancellationToken) is { } stored
            && Open(stored, other.Id, message.Queue).Body.Span.SequenceEqual(import.Original.Body.Span))
            import.Result = await CommitAsync(stored);
        return import.Result;

        Payload Sealed(Payload payload, int? index) => new(
            SealedPayload.Seal(active, id.MessageId, index, new(letter.Queue, payload.ContentType, HeaderText.Write(payload.Headers),
                payload.Body)),
            SealedPayload.TypeOf(active.Id), null)
        { Edits = payload.Edits };

        ValueTask<ImportOutcome> CommitAsync(Payload original) =>
            _inner.CommitAsync(new ImportLetterCommand(letter, original, import.Actor)
            {
                Edited = edited,
                IsSealed = true,
            }, cancellationToken);
    }

    private async ValueTask<ClaimResult> ClaimAsync(ClaimCommand claim, CancellationToken cancellationToken)
    {
        var result = await _inner.CommitAsync(claim, cancellationToken);
        return result.Deliveries.All(delivery => SealedPayload.KeyOf(delivery.ContentType) is null) ? result
            : result with { Deliveries = [.. result.Deliveries.Select(Opened)] };
    }

    private ClaimedDelivery Opened(ClaimedDelivery delivery)
    {
        if (SealedPayload.KeyOf(delivery.ContentType) is not { } keyId)
            return delivery;
        if (_keys.All(key => key.Id != keyId))
            return delivery with
            {
                Body = default,
                ContentType = null,
                Headers = null,
                Unreadable = Missing(delivery.Id, keyId),
                KeyMissing = true,
            };
        try
        {
            var payload = Open(new(delivery.Body, delivery.ContentType, delivery.Headers), delivery.Id, delivery.Queue);
            return delivery with { Body = payload.Body, ContentType = payload.ContentType, Headers = payload.Headers };
        }
        catch (StoreException error)
        {
            // One row costs one row: its attempt fails with this text, the others of the claim go on.
            return delivery with { Body = default, ContentType = null, Headers = null, Unreadable = error.Message };
        }
    }

    private static string Missing(DeliveryId id, string key) =>
        $"The payload of '{id}' is sealed with the key '{key}', which is not given.";

    private Payload Open(Payload payload, DeliveryId id) => Open(payload, id, null);

    private Payload Open(Payload payload, DeliveryId id, string? queue)
    {
        if (SealedPayload.KeyOf(payload.ContentType) is not { } keyId)
            return payload;
        if (_keys.FirstOrDefault(key => key.Id == keyId) is not { } key)
            throw new StoreException(Missing(id, keyId), StoreProblem.Other);
        // An edited body says of itself that it is one; where that is not known, what is stored is one of the two.
        foreach (var edited in (int?[])[null, id.Index])
        {
            try
            {
                var open = SealedPayload.Open(key, id.MessageId, edited, payload.Body);
                if (queue is not null && open.Queue != queue)
                    break;
                return payload with
                {
                    Body = open.Body,
                    ContentType = open.ContentType,
                    Headers = HeaderText.Read(open.Headers) ?? payload.Headers
                };
            }
            catch (Exception error) when (error is CryptographicException or ArgumentException or FormatException)
            {
                // Tried as the other of the two, or told below.
            }
        }
        throw new StoreException($"The payload of '{id}' cannot be opened: it was changed in the store, or stands in the wrong row.",
            StoreProblem.Corrupt);
    }

    /// <summary>
    /// Seals every payload that is open, or sealed with another key, with the first key; then the other keys are needed no more. It works
    /// in small commits: ended at any time, it goes on where it stopped when it is called again.
    /// </summary>
    /// <param name="progress">Told how many were written anew so far; null for nobody.</param>
    /// <param name="cancellationToken">Ends it after the commit under way.</param>
    /// <returns>How many were written anew.</returns>
    /// <exception cref="InvalidOperationException">There is no key.</exception>
    /// <exception cref="StoreException">A payload cannot be opened; those before it are done.</exception>
    public async Task<long> RekeyAsync(IProgress<long>? progress = null, CancellationToken cancellationToken = default)
    {
        var active = Active ?? throw new InvalidOperationException("There is no payload key to seal with.");
        var type = SealedPayload.TypeOf(active.Id);
        var done = 0L;
        // Edits first: they take along the headers of their message, which stand open in its row until that is sealed.
        foreach (var edited in (bool[])[true, false])
        {
            var after = long.MinValue;
            while (true)
            {
                var rows = await _inner.Queries.StoredPayloadsAsync(edited, type, after, RekeyBatch, cancellationToken);
                if (rows.Count == 0)
                    break;
                after = rows[^1].Key;
                var commits = rows.Select(row => _inner.CommitAsync(
                    new ReplacePayloadCommand(row, type, SealedPayload.Seal(active, row.Message, row.Index, OpenRow(row))),
                    cancellationToken).AsTask()).ToList();
                done += (await Task.WhenAll(commits)).Count(changed => changed);
                progress?.Report(done);
            }
        }
        foreach (var note in await _inner.Queries.PayloadKeysAsync(cancellationToken))
        {
            if (note.Id != active.Id)
                await _inner.CommitAsync(new NotePayloadKeyCommand(note.Id, note.Check, inUse: false), cancellationToken);
        }
        return done;
    }

    private OpenPayload OpenRow(StoredPayload row)
    {
        if (SealedPayload.KeyOf(row.ContentType) is null)
            return new(row.Queue, row.ContentType, row.Headers, row.Body);
        var open = Open(new(row.Body, row.ContentType, null), new(row.Message, row.Index ?? 0), row.Queue);
        return new(row.Queue, open.ContentType, HeaderText.Write(open.Headers), open.Body);
    }

    /// <inheritdoc/>
    public override Task<StoreBackup> BackupAsync(string path, CancellationToken cancellationToken = default) =>
        _inner.BackupAsync(path, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask DisposeAsync() => _inner.DisposeAsync();
}
