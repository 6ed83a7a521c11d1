using Recourse.Server.Security;

namespace Recourse.Server.Dashboard;

internal enum Section
{
    None,
    Overview,
    DeadLetters,
    Failing,
    Replays,
    Controls,
    Nodes,
    Audit,
    SignIn,
}

// What every part of a page may need to know.
internal sealed record PageContext
{
    // Where the dashboard is mounted: "" at the root of the site, "/recourse" under a prefix. Never ends in a slash.
    public required string Root { get; init; }
    public required string Title { get; init; }
    public Section Section { get; init; }
    public required DateTimeOffset Now { get; init; }
    // Over all queues; null when the store does not say.
    public long? DeadLetters { get; init; }
    public string Token { get; init; } = "";
    public Flash? Flash { get; init; }
    // Only what changes, for the script; no head, no script, no flash.
    public bool Fragment { get; init; }

    // Who looks; anybody where no keys are in use.
    public Caller Caller { get; init; } = Caller.Anybody;

    public string Url(string path) => Root + path;
}
