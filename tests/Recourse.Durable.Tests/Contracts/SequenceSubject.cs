using System.Globalization;
using System.Text;
using Recourse.Tests;

namespace Recourse.Durable.Tests;

/// <summary>
/// A store under a sequence of commands, with what was learned about its messages so far. Ids are shown as ordinals: each store makes its
/// own.
/// </summary>
internal sealed class SequenceSubject(string name, Func<Task<MessageStore>> reopen)
{
    private readonly List<Guid> _messages = [];

    public string Name { get; } = name;
    public MessageStore Store { get; private set; } = null!;
    public List<ClaimedDelivery> Held { get; } = [];
    public List<Guid> Jobs { get; } = [];

    public async Task<string> OpenAsync()
    {
        Store = await reopen();
        return (await Store.OpenAsync()).ToString();
    }

    public int Messages => _messages.Count;

    public DeliveryId Id(int message, int index) => new(_messages[message], index);

    public async Task<string> EnqueueAsync(NewMessage message, int room)
    {
        var (command, desk) = (new EnqueueCommand(message), new ArrivalDesk(room));
        Store.Arrivals = desk;
        var result = await Store.CommitAsync(command);
        Store.Arrivals = null;
        if (result.Status is EnqueueStatus.Accepted)
            _messages.Add(result.MessageId);
        Held.AddRange(desk.Begun);
        return $"{result.Status} {_messages.IndexOf(result.MessageId)} {command.IsTaken} {string.Join(" | ", desk.Begun.Select(Show))}";
    }

    public async Task<string> ClaimAsync(ClaimCommand command)
    {
        var claim = await Store.CommitAsync(command);
        Held.AddRange(claim.Deliveries);
        return $"{string.Join(" | ", claim.Deliveries.Select(Show))} next {claim.NextDueAt:O}";
    }

    private string Show(ClaimedDelivery claimed) => claimed with
    {
        Id = default,
        Lease = 0,
        Body = default,
        IdempotencyKey = Show(claimed.Id) + claimed.IdempotencyKey[36..],
        Headers = null,
    } + Encoding.UTF8.GetString(claimed.Body.Span);

    public async Task<string> StartReplayAsync(ReplayRequest request)
    {
        var count = await Store.Queries.CountAsync(request.Letters(null, 1), 1_000);
        Jobs.Add(Guid.CreateVersion7());
        return $"{count} {await Store.CommitAsync(new StartReplayCommand(Jobs[^1], request, count))}";
    }

    /// <summary>What the runner does for a job, once: read the next letters, send them, or change the state.</summary>
    public async Task<string> StepReplayAsync(int index)
    {
        var job = (await Store.Queries.ReplayAsync(Jobs[index]))!;
        var page = await Store.Queries.DeliveriesAsync(job.Request.Letters(job.Cursor, 3));
        var step = ReplayPlan.Next(job, page.Items.Count == 0);
        if (step.Step is ReplayStep.Move)
        {
            var move = new MoveReplayCommand(job.Id, job.State, step.To, step.Reason) { CanaryJudged = step.CanaryJudged };
            return $"{step.To} {await Store.CommitAsync(move)}";
        }
        if (step.Step is ReplayStep.Wait)
            return "wait";
        var letters = page.Items.Where(letter => letter.DeadAt <= job.MadeAt).Take(step.Letters).Select(letter => letter.Id).ToList();
        return $"{await Store.CommitAsync(new ReplayBatchCommand(job.Id, job.Cursor, page.Next ?? job.Cursor, letters))}";
    }

    public List<(StoredDelivery Letter, Payload Original, Payload? Edited)> Exported { get; } = [];

    public async Task<string> ExportAsync()
    {
        foreach (var item in (await Store.Queries.DeliveriesAsync(OfTheDead with { Limit = 2 })).Items)
        {
            var letter = (await Store.Queries.DeliveryAsync(item.Id))!;
            var original = (await Store.Queries.OriginalPayloadAsync(item.Id))!;
            Exported.Add((letter, original, letter.Edits > 0 ? await Store.Queries.PayloadAsync(item.Id) : null));
        }
        return Exported.Count.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>With its own id, or, where that is there, as a letter of another message.</summary>
    public async Task<string> ImportAsync(int index)
    {
        var (letter, original, edited) = Exported[index];
        var first = await Store.CommitAsync(new ImportLetterCommand(letter, original, "eve") { Edited = edited });
        if (first is not ImportOutcome.Duplicate)
            return first.ToString();
        _messages.Add(Guid.CreateVersion7());
        var key = letter.IdempotencyKey.Replace(letter.Id.MessageId.ToString(), _messages[^1].ToString(), StringComparison.Ordinal);
        letter = letter with { Id = new(_messages[^1], letter.Id.Index), IdempotencyKey = key };
        return $"{first} {await Store.CommitAsync(new ImportLetterCommand(letter, original, "eve") { Edited = edited })}";
    }

    private async Task ShowReplaysAsync(StringBuilder text)
    {
        foreach (var job in (await Store.Queries.ReplaysAsync(null, 500)).Items)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"{Jobs.IndexOf(job.Id)} {job.State} {job.StateReason} {job.Matched} {job.Replayed} {job.Skipped} "
                + $"{job.Delivered} {job.DeadAgain}");
            foreach (var item in (await Store.Queries.ReplayItemsAsync(job.Id, null, null, 500)).Items)
                text.AppendLine(Show(item.Id) + (item with { Id = default }));
        }
        foreach (var control in await Store.Queries.ControlsAsync())
            text.AppendLine(control.ToString());
    }

    private string Show(DeliveryId id) => $"{_messages.IndexOf(id.MessageId)}.{id.Index}";

    private static string? Show(Payload? payload) =>
        payload is null ? null : $"{Encoding.UTF8.GetString(payload.Body.Span)} {payload.ContentType} {payload.Edits}";

    private static readonly DateTimeOffset Begun = new ManualClock().GetUtcNow();
    private static readonly DeliveryFilter OfTheDead = new() { State = DeliveryState.Dead, Limit = 500 };

    private static readonly DeliveryFilter[] Filters =
    [
        OfTheDead with { Text = "ERROR 1" }, OfTheDead with { Text = "or" }, OfTheDead with { Text = "nowhere" },
        OfTheDead with { Queue = "a" }, OfTheDead with { Service = "x", Text = "rror" }, OfTheDead with { Kind = FaultKind.Timeout },
        OfTheDead with { Blame = Blame.Message, AttemptsMin = 2 }, OfTheDead with { Generation = 1 },
        OfTheDead with { OrderKey = "lane 1" },
        OfTheDead with { Assignee = "ann" }, OfTheDead with { Assignee = "" }, OfTheDead with { VisibleTo = "bob" },
        OfTheDead with { Manual = true, SecondChances = 2 }, OfTheDead with { Manual = false, SecondChances = 2 },
        OfTheDead with { Since = Begun.AddMinutes(20) }, OfTheDead with { Until = Begun.AddMinutes(20) },
        OfTheDead with { Group = LetterGroups.Id(LetterGroups.Fingerprint("x", "timeout", null, "error <*>")) },
        new() { Resolved = true, Limit = 500 },
    ];

    /// <summary>All that can be seen of the store.</summary>
    public async Task<string> ShowAsync()
    {
        var text = new StringBuilder();
        foreach (var queue in await Store.Queries.QueuesAsync())
        {
            StoreContract.AssertBalanced(queue);
            text.AppendLine(queue.ToString());
        }
        foreach (var service in await Store.Queries.ServicesAsync())
            text.AppendLine(service.ToString());
        foreach (var state in new DeliveryState?[] { null, DeliveryState.Dead })
        {
            string? after = null;
            do
            {
                var page = await Store.Queries.DeliveriesAsync(new() { State = state, Limit = 7, After = after });
                foreach (var item in page.Items)
                    text.AppendLine(Show(item.Id) + (item with { Id = default }));
                after = page.Next;
            }
            while (after is not null);
        }
        foreach (var filter in Filters)
        {
            var page = await Store.Queries.DeliveriesAsync(filter);
            var count = await Store.Queries.CountAsync(filter, 400);
            text.AppendLine(CultureInfo.InvariantCulture, $"{filter} {count} {string.Join(' ', page.Items.Select(item => Show(item.Id)))}");
            if (filter.Resolved is true)
                continue;
            page = await Store.Queries.DeliveriesAsync(filter with { OldestFirst = true, Limit = 3 });
            var ids = string.Join(' ', page.Items.Select(item => Show(item.Id)));
            text.AppendLine(CultureInfo.InvariantCulture, $"{ids} {page.Next is null}");
        }
        foreach (var order in Enum.GetValues<DeadLetterGroupOrder>())
        {
            var groups = await Store.Queries.GroupsAsync(new() { Order = order, Limit = 5 });
            text.AppendLine(string.Join('\n', groups.Items)).AppendLine(groups.Next);
        }
        var stats = await Store.Queries.DeadLetterStatsAsync();
        text.AppendLine(string.Join(' ', stats.ByKind)).AppendLine(string.Join(' ', stats.ByAge)).AppendLine(stats.OldestAt.ToString());
        await ShowReplaysAsync(text);
        foreach (var message in _messages.TakeLast(5))
        {
            foreach (var delivery in (await Store.Queries.MessageAsync(message))?.Deliveries ?? [])
            {
                text.Append(CultureInfo.InvariantCulture, $"{Show(delivery.Id)} {delivery.IdempotencyKey[36..]}");
                text.AppendLine(string.Join(' ', delivery.Attempts)).AppendLine(string.Join(' ', delivery.Acts));
                text.AppendLine(Show(await Store.Queries.PayloadAsync(delivery.Id)));
                text.AppendLine(Show(await Store.Queries.OriginalPayloadAsync(delivery.Id)));
            }
        }
        return text.ToString();
    }
}
