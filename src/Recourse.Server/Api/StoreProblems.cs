using Microsoft.AspNetCore.Http;
using Recourse.Durable;

namespace Recourse.Server.Api;

/// <summary>What a sender is told when the store did not take a command. Nothing of it was kept, so sending again is safe.</summary>
internal static class StoreProblems
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The relay stops; another process, or this one after its restart, takes the message.</summary>
    public static readonly Problem Stopping = Problem.Of(StatusCodes.Status503ServiceUnavailable, "stopping",
        "The relay is stopping and takes no new messages. Nothing was stored; send it again a little later.") with
    { RetryAfter = Patience };

    public static Problem Describe(StoreException error) => error.Problem switch
    {
        StoreProblem.Busy => Problem.Of(StatusCodes.Status429TooManyRequests, "busy",
            "More messages wait to be stored than the relay takes at once. Nothing was stored; send it again a little later.")
            with
        { RetryAfter = TimeSpan.FromSeconds(1) },
        StoreProblem.DiskFull => Problem.Of(StatusCodes.Status503ServiceUnavailable, "disk-full",
            "The disk of the store is full. Nothing was stored; messages accepted before are safe.") with
        { RetryAfter = Patience },
        _ => Problem.Of(StatusCodes.Status503ServiceUnavailable, "store-unavailable",
            "The store cannot be used now. Nothing was stored; messages accepted before are safe. The relay's log says why.")
            with
        { RetryAfter = Patience },
    };
}
