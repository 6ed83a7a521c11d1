using System.Globalization;
using System.Text.Json;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Shows what the store holds in the shapes of the API.</summary>
internal static class ViewMapping
{
    private static readonly string[] StateNames = [.. Enum.GetValues<DeliveryState>().Select(Snake)];

    public static IReadOnlyList<string> States => StateNames;

    public static string Name(this DeliveryState state) => StateNames[(int)state];

    public static IReadOnlyList<ControlView> View(IReadOnlyList<Control> controls, string name, params ReadOnlySpan<ControlKind> kinds)
    {
        var views = new List<ControlView>();
        foreach (var control in controls)
        {
            if (control.Name == name && kinds.Contains(control.Kind))
                views.Add(new(Snake(control.Kind), control.Actor, control.Reason, control.Since));
        }
        return views;
    }

    public static QueueView View(
        QueueCounts counts, QueueConfiguration? configuration, IReadOnlyList<ControlView> controls, DateTimeOffset now) => new()
        {
            Name = counts.Queue,
            Accepted = counts.Accepted,
            Waiting = counts.Waiting,
            Delayed = counts.Delayed,
            Leased = counts.Leased,
            Delivered = counts.Delivered,
            Dead = counts.Dead,
            Discarded = counts.Discarded,
            Expired = counts.Expired,
            OldestWaitingSeconds = counts.OldestWaitingAt is { } oldest ? Math.Round(Math.Max(0, (now - oldest).TotalSeconds), 3) : 0,
            Blocked = counts.Blocked,
            BlockedLanes = counts.BlockedLanes,
            Paused = controls.Any(control => control.Kind == "queue_paused"),
            Draining = configuration is null || controls.Any(control => control.Kind == "queue_draining"),
            Controls = controls,
            Services = configuration?.DeliverTo ?? [],
            Ordered = configuration?.Ordered ?? false,
        };

    public static MessageView View(StoredMessage message) => new()
    {
        Id = message.Id,
        Queue = message.Queue,
        CreatedAt = message.CreatedAt,
        Deliveries = [.. message.Deliveries.Select(delivery => View(delivery, delivery.Attempts))],
    };

    public static DeliveryView View(DeliverySummary delivery, IReadOnlyList<Attempt>? attempts = null) => new()
    {
        Id = delivery.Id.ToString(),
        Service = delivery.Service,
        State = delivery.State.Name(),
        Blocked = delivery.Blocked,
        Generation = delivery.Generation,
        DueAt = delivery.DueAt,
        AttemptCount = delivery.AttemptCount,
        Key = delivery.OrderKey,
        Kind = delivery.Kind?.Name(),
        Error = delivery.Error,
        Decision = delivery.Decision,
        DeadAt = delivery.DeadAt,
        Suspect = delivery.Suspect,
        Priority = delivery.Priority,
        ExpiresAt = delivery.ExpiresAt,
        Attempts = attempts?.Select(View).ToList(),
    };

    public static DeadLetterView DeadLetter(DeliverySummary delivery, DeadLetterConfiguration rules) => new()
    {
        Id = delivery.Id.ToString(),
        MessageId = delivery.Id.MessageId,
        Queue = delivery.Queue,
        Service = delivery.Service,
        Kind = (delivery.Kind ?? FaultKind.Unknown).Name(),
        Category = Snake((delivery.Kind ?? FaultKind.Unknown).Category()),
        Persistence = Snake(delivery.Persistence),
        Blame = Snake(delivery.Blame),
        Error = delivery.Error,
        AttemptCount = delivery.AttemptCount,
        CreatedAt = delivery.CreatedAt,
        DeadAt = delivery.DeadAt,
        Generation = delivery.Generation,
        Manual = SecondChance.IsManual(delivery, rules),
        Decision = delivery.Decision,
        Key = delivery.OrderKey,
        Group = delivery.Group,
        Edits = delivery.Edits,
        Assignee = delivery.Assignee,
        Note = delivery.Note,
        TakenBy = delivery.TakenBy,
        TakenUntil = delivery.TakenUntil,
        Resolved = delivery.Resolved,
        Holds = delivery.Holds,
    };

    public static GroupView Group(DeadLetterGroup group) => new()
    {
        Id = group.Id,
        Service = group.Service,
        Kind = group.Kind.Name(),
        Code = group.Code,
        Template = group.Template,
        Sample = group.Sample,
        Dead = group.Dead,
        Total = group.Total,
        FirstSeen = group.FirstSeen,
        LastSeen = group.LastSeen,
    };

    public static StatsView Stats(DeadLetterStats stats, long? maxSize)
    {
        long Within(double seconds) => stats.ByAge.First(age => age.Within == TimeSpan.FromSeconds(seconds)).Dead;
        Dictionary<string, long> By(Func<DeadLetterCount, string> name) =>
            stats.ByKind.GroupBy(name).ToDictionary(alike => alike.Key, alike => alike.Sum(count => count.Dead));
        return new()
        {
            Dead = stats.ByAge[^1].Dead,
            MaxSize = maxSize,
            OldestAt = stats.OldestAt,
            ByKind = By(count => count.Kind.Name()),
            ByService = By(count => count.Service),
            ByAge = [.. stats.ByAge.Select(age => new AgeView(age.Within?.TotalSeconds, age.Dead))],
            PerMinute = new(Within(60), Math.Round(Within(3600) / 60.0, 2)),
        };
    }

    public static DeadLetterDetailView DeadLetterDetail(StoredDelivery delivery, DeadLetterConfiguration rules)
    {
        var view = DeadLetter(delivery, rules);
        return new()
        {
            Id = view.Id,
            MessageId = view.MessageId,
            Queue = view.Queue,
            Service = view.Service,
            Kind = view.Kind,
            Category = view.Category,
            Persistence = view.Persistence,
            Blame = view.Blame,
            Error = view.Error,
            AttemptCount = view.AttemptCount,
            CreatedAt = view.CreatedAt,
            DeadAt = view.DeadAt,
            Generation = view.Generation,
            Manual = view.Manual,
            Decision = view.Decision,
            Key = view.Key,
            Group = view.Group,
            Edits = view.Edits,
            Assignee = view.Assignee,
            Note = view.Note,
            TakenBy = view.TakenBy,
            TakenUntil = view.TakenUntil,
            Resolved = view.Resolved,
            Acts = [.. delivery.Acts.Select(act => new LetterActView(act.At, act.Actor, act.Verb, act.Detail))],
            Holds = view.Holds,
            Attempts = [.. delivery.Attempts.Select(View)],
            IdempotencyKey = delivery.IdempotencyKey,
            TraceId = delivery.TraceParent is { Length: >= 35 } trace ? trace[3..35] : null,
        };
    }

    public static AttemptView View(Attempt attempt) => new()
    {
        Number = attempt.Number,
        Generation = attempt.Generation,
        StartedAt = attempt.StartedAt,
        DurationMs = attempt.DurationMs,
        Outcome = attempt.Outcome,
        Kind = attempt.Kind?.Name(),
        Status = int.TryParse(attempt.Status, NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? status : null,
        Code = attempt.Status,
        Applied = Snake(attempt.Applied),
        Error = attempt.Error,
        Node = attempt.Node,
        Decision = attempt.Decision,
    };

    public static string Snake<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
