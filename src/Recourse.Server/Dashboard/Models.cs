using Recourse.Durable;

namespace Recourse.Server.Dashboard;

// What each page shows; gathered by DashboardPages, drawn by the component of the same name.

internal sealed record OverviewModel(
    Headline Headline, IReadOnlyList<QueueRow> Queues, IReadOnlyList<ServiceRow> Services, string FirstQueue, string Origin);

internal sealed record QueueRow(QueueCounts Counts, QueueRate? Rate, string? Held);

// Status is null for a service that no dispatcher of this process serves.
internal sealed record ServiceRow(string Name, ServiceStatus? Status, ServiceCounts Counts, bool Paused);

internal sealed record DeadLettersModel(
    DeliverySearch Search, IReadOnlyList<string> Queues, IReadOnlyList<string> Services, Page<DeliverySummary> Page, string Found,
    DeliveryId? Named, bool CanReplay);

internal sealed record FailingModel(IReadOnlyList<DeliverySummary> Now, Page<DeliverySummary> Later, bool FirstPage, bool MoreDue);

internal sealed record DeliveryModel(
    StoredDelivery Delivery, PayloadView? Payload, string? ContentType, IReadOnlyDictionary<string, string> Headers)
{
    // What edits changed; null when there were none.
    public PayloadDiff? Diff { get; init; }
    // False when the key that looks does not show payloads.
    public bool PayloadShown { get; init; } = true;
    // The body for a text field; null when a field could not give it back as it was.
    public string? Editable { get; init; }
    // Who acts in this browser, as far as they said.
    public string Who { get; init; } = "";
}

internal sealed record GroupsModel(Page<DeadLetterGroup> Groups, bool Recent);

internal sealed record MessageModel(StoredMessage Message);

internal sealed record ReplaysModel(Page<ReplayJob> Page);

// The filter in words: what it holds, as name and value.
internal sealed record ReplayModel(ReplayJob Job, Page<ReplayItem> Items, string Filter);

internal sealed record ControlsModel(IReadOnlyList<string> Queues, IReadOnlyList<string> Services, IReadOnlyList<Control> Controls);

// Several: the store is one that nodes share, so leases can be ended.
internal sealed record NodesModel(IReadOnlyList<NodeStatus> Nodes, bool Several);

internal sealed record ProblemModel(string Text, string? Detail);

// Where to go afterwards, and what was wrong with the last try.
internal sealed record SignInModel(string Next, string? Problem);

internal sealed record AuditSearch(string? Actor, string? Verb, string? Since, string? Until)
{
    public bool IsEmpty => this is { Actor: null, Verb: null, Since: null, Until: null };
}

internal sealed record AuditModel(AuditSearch Search, Page<AuditEntry> Page);
