namespace Recourse.Server;

/// <summary>How full the dead letters are, the same words for health, log and metric.</summary>
internal static class DeadLetterFill
{
    public const string Ok = "ok";
    public const string Near = "near";
    public const string Full = "full";

    /// <summary>The part of the bound from which it is near.</summary>
    private const double NearAt = 0.8;

    public static string State(long dead, int? max) => max is null || dead < NearAt * max ? Ok : dead < max ? Near : Full;
}
