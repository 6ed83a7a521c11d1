namespace Recourse.Cli.Client;

/// <summary>What a key is asked for with.</summary>
internal sealed record NewKeyBody(string Role, string? Name, double? ExpiresInSeconds);

/// <summary>A key that was made, with its secret.</summary>
internal sealed record NewKeyAnswer(string Id, string Name, string Role, string Secret, DateTimeOffset? ExpiresAt);

/// <summary>A key without its secret.</summary>
internal sealed record KeyAnswer
{
    public string Id { get; init; } = "";
    public string Name { get; init; } = "";
    public string Role { get; init; } = "";
    public DateTimeOffset? CreatedAt { get; init; }
    public string CreatedBy { get; init; } = "";
    public DateTimeOffset? ExpiresAt { get; init; }
    public bool Expired { get; init; }
    public int Sessions { get; init; }
}

/// <summary>One act.</summary>
internal sealed record AuditAnswer
{
    public DateTimeOffset At { get; init; }
    public string Actor { get; init; } = "";
    public string Verb { get; init; } = "";
    public string Target { get; init; } = "";
    public string? Reason { get; init; }
    public string Outcome { get; init; } = "";
}
