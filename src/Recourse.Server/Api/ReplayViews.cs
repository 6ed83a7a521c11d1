using System.Text.Json;
using System.Text.Json.Serialization;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>Something that an operator holds: queue_paused, queue_draining, service_paused, service_isolated.</summary>
internal sealed record ControlView(string Kind, string Actor, string? Reason, DateTimeOffset Since);

/// <summary>What a replay is asked to do.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
internal sealed record ReplayBody
{
    /// <summary>The conditions of GET /v1/dead-letters, by the same names.</summary>
    public Dictionary<string, JsonElement>? Filter { get; init; }
    public bool All { get; init; }
    public long? Limit { get; init; }
    public int Canary { get; init; }
    public double? CanaryShare { get; init; }
    public double? Rate { get; init; }
    public int? BatchSize { get; init; }
    /// <summary>auto, keep or new.</summary>
    public string? Key { get; init; }
    public string? Actor { get; init; }
    public string? Reason { get; init; }
    /// <summary>True only counts and shows the first.</summary>
    public bool DryRun { get; init; }
}

/// <summary>A replay job with its progress.</summary>
internal sealed record ReplayView
{
    public required Guid Id { get; init; }
    /// <summary>running, canary, paused, completed, cancelled.</summary>
    public required string State { get; init; }
    public string? StateReason { get; init; }
    public required DateTimeOffset MadeAt { get; init; }
    public DateTimeOffset? EndedAt { get; init; }
    public long Matched { get; init; }
    public long Replayed { get; init; }
    public long Skipped { get; init; }
    public long Delivered { get; init; }
    public long DeadAgain { get; init; }
    /// <summary>Sent back and not ended yet.</summary>
    public long Pending { get; init; }
    public required JsonElement Filter { get; init; }
    public bool All { get; init; }
    public long? Limit { get; init; }
    public int Canary { get; init; }
    public double CanaryShare { get; init; }
    public double? Rate { get; init; }
    public int BatchSize { get; init; }
    public required string Key { get; init; }
    public required string Actor { get; init; }
    public string? Reason { get; init; }

    public static ReplayView Of(ReplayJob job) => new()
    {
        Id = job.Id,
        State = ViewMapping.Snake(job.State),
        StateReason = job.StateReason,
        MadeAt = job.MadeAt,
        EndedAt = job.EndedAt,
        Matched = job.Matched,
        Replayed = job.Replayed,
        Skipped = job.Skipped,
        Delivered = job.Delivered,
        DeadAgain = job.DeadAgain,
        Pending = job.Pending,
        // The limit of a page is no condition; nought is left out.
        Filter = JsonSerializer.SerializeToElement(job.Request.Filter with { Limit = 0 }, FilterJson.Default.DeliveryFilter),
        All = job.Request.All,
        Limit = job.Request.Limit,
        Canary = job.Request.Canary,
        CanaryShare = job.Request.CanaryShare,
        Rate = job.Request.Rate,
        BatchSize = job.Request.BatchSize,
        Key = ViewMapping.Snake(job.Request.Key),
        Actor = job.Request.Actor,
        Reason = job.Request.Reason,
    };
}

/// <summary>What a replay would do.</summary>
internal sealed record ReplayPreviewView(bool DryRun, long Matched, IReadOnlyList<DeadLetterView> Sample);

/// <summary>One letter of a replay: pending, delivered, dead, skipped.</summary>
internal sealed record ReplayItemView(
    string Id, int Generation, DateTimeOffset At, string Outcome, DateTimeOffset? EndedAt, string? Reason);

/// <summary>A filter as it is shown: only its conditions, in snake case.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    UseStringEnumConverter = true,
    Converters = [typeof(FaultKindConverter)])]
[JsonSerializable(typeof(DeliveryFilter))]
internal sealed partial class FilterJson : JsonSerializerContext;

/// <summary>Kinds by their names.</summary>
internal sealed class FaultKindConverter : JsonConverter<FaultKind>
{
    public override FaultKind Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        FaultKinds.TryParse(reader.GetString() ?? "", out var kind) ? kind : throw new JsonException("That is no kind of fault.");

    public override void Write(Utf8JsonWriter writer, FaultKind value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Name());
}
