using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Security;

/// <summary>What an endpoint asks of its caller.</summary>
/// <param name="Needs">The role that suffices; null lets everybody in.</param>
/// <param name="PageDepth">
/// For what belongs to the dashboard: how deep it lies under its root. There the cookie of a session counts, and nowhere else.
/// </param>
internal sealed record Door(Role? Needs, int? PageDepth = null);

/// <summary>Who calls: a key, or anybody where no keys are in use.</summary>
internal sealed record Caller(string? Name, Role Role, string? SessionId = null)
{
    /// <summary>Where no keys are in use, whoever reaches the relay may do everything; so does who was let in by the application.</summary>
    public static readonly Caller Anybody = new(null, Role.Admin);

    public bool MayAct => Role.May(Role.Operator);

    /// <summary>Bodies and headers of messages.</summary>
    public bool SeesPayloads => Role.May(Role.Operator);

    public static Caller Of(HttpContext http) => http.Features.Get<Caller>() ?? Anybody;
}

/// <summary>Why a page of the dashboard is not shown; the dashboard tells it in its own way.</summary>
internal sealed record Refusal(Api.Problem Problem);
