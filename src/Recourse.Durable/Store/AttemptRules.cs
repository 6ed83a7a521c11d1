namespace Recourse.Durable;

/// <summary>What is kept of attempts, the same in every store.</summary>
internal static class AttemptRules
{
    public const int KeptFirst = 5;
    public const int KeptLast = 20;
    public const int ErrorCharsMax = 2000;

    /// <summary>Crashes of a delivery running alone that make it a poison message.</summary>
    public const int CrashesAloneMax = 3;

    /// <summary>What an expired delivery shows as its decision.</summary>
    public const string ExpiredDecision = "expired: its time was over before it was delivered";

    /// <summary>What a delivery shows whose message is not in the store.</summary>
    public const string MissingDecision = "discarded: its message is not in the store, so there is nothing to send";

    public const string Delivered = "delivered";
    public const string Failed = "failed";
    public const string Crashed = "crashed";

    /// <summary>The number of the attempt that goes when number <paramref name="number"/> is stored; 0 while all are kept.</summary>
    public static int Forgotten(int number) => number - KeptLast > KeptFirst ? number - KeptLast : 0;

    /// <summary>
    /// Error texts end at 2,000 characters, with a mark that they went on. Control characters but tabs and line ends, and halves of
    /// characters, become U+FFFD: PostgreSQL keeps no zero, a terminal obeys the others, and UTF-8 has no halves.
    /// </summary>
    public static string? Shorten(string? text)
    {
        if (text is null)
            return text;
        if (text.Length > ErrorCharsMax)
        {
            var end = ErrorCharsMax - 1;
            if (char.IsHighSurrogate(text[end - 1]))
                end--;
            text = string.Concat(text.AsSpan(0, end), "…");
        }
        for (var i = 0; i < text.Length; i++)
        {
            if (!IsKept(text, i))
                return Marked(text);
        }
        return text;
    }

    private static string Marked(string text) => string.Create(text.Length, text, static (marked, source) =>
    {
        for (var i = 0; i < marked.Length; i++)
            marked[i] = IsKept(source, i) ? source[i] : '\ufffd';
    });

    private static bool IsKept(string text, int at) => text[at] switch
    {
        '\t' or '\r' or '\n' => true,
        var c when char.IsHighSurrogate(c) => at + 1 < text.Length && char.IsLowSurrogate(text[at + 1]),
        var c when char.IsLowSurrogate(c) => at > 0 && char.IsHighSurrogate(text[at - 1]),
        var c => !char.IsControl(c),
    };

    /// <summary>
    /// The attempt as it is stored: the store knows its number and generation, the decision may have given it another kind.
    /// </summary>
    public static Attempt Of(FailCommand command, int number, int generation) => command.Attempt with
    {
        Number = number,
        Generation = generation,
        StartedAt = StoreTime.Rounded(command.Attempt.StartedAt),
        Outcome = Failed,
        Kind = KindOf(command),
        Applied = command.Fault.Applied,
        Error = Shorten(command.Attempt.Error),
        Status = Shorten(command.Attempt.Status),
        Decision = Shorten(command.Decision.ToString()),
    };

    /// <summary>The successful attempt as it is stored.</summary>
    public static Attempt Of(CompleteCommand command, int number, int generation) => command.Attempt with
    {
        Number = number,
        Generation = generation,
        StartedAt = StoreTime.Rounded(command.Attempt.StartedAt),
        Outcome = Delivered,
        Kind = null,
        Applied = Applied.Yes,
        Error = null,
        Status = Shorten(command.Attempt.Status),
        Decision = null,
    };

    /// <summary>An attempt that ended with its process.</summary>
    public static Attempt OfCrash(int number, int generation, DateTimeOffset startedAt, string? node, int crashesAlone) => new()
    {
        Number = number,
        Generation = generation,
        StartedAt = startedAt,
        Outcome = Crashed,
        Kind = crashesAlone >= CrashesAloneMax ? FaultKind.PoisonMessage : FaultKind.ProcessCrashed,
        Applied = Applied.Maybe,
        Error = "The process ended while this attempt was under way.",
        Node = node,
        Decision = crashesAlone switch
        {
            >= CrashesAloneMax => $"dead: the process ended {crashesAlone} times while this delivery ran alone",
            0 => "retry: the process ended; the next attempt runs alone",
            _ => $"retry: the process ended while this ran alone, {crashesAlone} of {CrashesAloneMax}; the next attempt runs alone",
        },
    };

    public static FaultKind KindOf(FailCommand command) => command.Decision.Kind ?? command.Fault.Kind;

    /// <summary>What the services get: the message's id, or after a replay that may change it, the id with the generation.</summary>
    public static string IdempotencyKey(Guid messageId, int keyGeneration) =>
        keyGeneration == 0 ? messageId.ToString("D") : $"{messageId:D}.g{keyGeneration}";

    /// <summary>An operator's act as the decision that is shown.</summary>
    public static string Act(string verb, string actor, string? reason) =>
        Shorten(string.IsNullOrWhiteSpace(reason) ? $"{verb}: by {actor}" : $"{verb}: by {actor}: {reason}")!;
}
