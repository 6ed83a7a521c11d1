namespace Recourse.Durable;

/// <summary>What is known of a dead letter beside its row: the marks that people put on it.</summary>
internal readonly record struct LetterMarks(string? Assignee, string? Note, bool Manual, string? TakenBy, long? TakenUntil)
{
    /// <summary>Who has it in hand now; null when nobody has.</summary>
    public string? HolderAt(long now) => TakenUntil > now ? TakenBy : null;

    /// <summary>True when somebody else than <paramref name="actor"/> has it in hand.</summary>
    public bool KeptFrom(string actor, long now) => HolderAt(now) is { } holder && holder != actor;
}

/// <summary>The part of a dead letter that filters ask about.</summary>
internal readonly record struct LetterFacts(
    long DiedAt, string? Kind, Persistence Persistence, Blame Blame, int Attempts, int Generation, long? Group, LetterMarks Marks);

/// <summary>What every store holds to about dead letters.</summary>
internal static class LetterRules
{
    public const int ActsMax = 50;
    public const int NoteCharsMax = 4000;
    public const int ActorCharsMax = 100;
    public static readonly TimeSpan TakeMax = TimeSpan.FromDays(7);

    /// <summary>
    /// A text as it is searched: in capitals, as an ordinal comparison in any case sees it, and without zeros, which would end it.
    /// </summary>
    public static string Folded(string text) => text.ToUpperInvariant().Replace('\0', ' ');

    /// <summary>The time of a death: strictly later than every other's, so that it names the letter and orders the list.</summary>
    public static long DiedAt(long now, long last) => Math.Max(now, last + 1);

    /// <summary>
    /// The time of a new replay job: at or after every death so far, so that what died by then is the job's. Later deaths come after it,
    /// for it counts as the last one.
    /// </summary>
    public static long MadeAt(long now, long lastDeath) => Math.Max(now, lastDeath);

    /// <summary>
    /// True when nothing replays a letter by itself: a person said so, its fault does not pass, or its second chances are used up.
    /// </summary>
    public static bool IsManual(bool marked, Persistence persistence, FaultKind? kind, int generation, int secondChances) =>
        marked || persistence is Persistence.Permanent || kind is FaultKind.PoisonMessage or FaultKind.OutcomeUnknown
        || generation >= secondChances;

    /// <summary>Whether a dead letter passes the conditions of a filter that are neither its place nor its text.</summary>
    public static bool Admits(this DeliveryFilter filter, in LetterFacts letter, long? group, long now) =>
        (filter.Kind is null || filter.Kind.Value.Name() == letter.Kind)
        && (filter.Persistence is null || filter.Persistence == letter.Persistence)
        && (filter.Blame is null || filter.Blame == letter.Blame)
        && (filter.AttemptsMin is null || letter.Attempts >= filter.AttemptsMin)
        && (filter.Generation is null || letter.Generation == filter.Generation)
        && (filter.Since is null || letter.DiedAt >= StoreTime.Micros(filter.Since.Value))
        && (filter.Until is null || letter.DiedAt < StoreTime.Micros(filter.Until.Value))
        && (filter.Group is null || letter.Group == group)
        && (filter.Assignee is null || filter.Assignee == (letter.Marks.Assignee ?? ""))
        && (filter.VisibleTo is null || !letter.Marks.KeptFrom(filter.VisibleTo, now))
        && (filter.Manual is null || filter.Manual == IsManual(letter.Marks.Manual, letter.Persistence,
            FaultKinds.TryParse(letter.Kind ?? "", out var kind) ? kind : null, letter.Generation, filter.SecondChances));

    /// <summary>True when a filter asks what only dead (or resolved) letters have; its list is of those.</summary>
    public static bool IsOfLetters(this DeliveryFilter filter) => filter.State is DeliveryState.Dead || filter.Resolved is true;

    /// <summary>Checks what a filter asks of dead letters.</summary>
    /// <exception cref="ArgumentException">A group's id that is none, or conditions that only dead letters can meet for others.</exception>
    public static long? CheckedGroup(this DeliveryFilter filter)
    {
        if (filter.Resolved is true && filter.State is not (null or DeliveryState.Discarded))
            throw new ArgumentException("DeliveryFilter.Resolved asks for resolved letters, which are no longer "
                + $"{filter.State}; leave State out.");
        if (filter.Resolved is true && filter.OldestFirst)
            throw new ArgumentException(
                "DeliveryFilter.Resolved lists letters by the time at which they were resolved; leave OldestFirst out.");
        if (!filter.IsOfLetters() && filter.AsksOfLetters())
            throw new ArgumentException("DeliveryFilter asks what only dead letters have (group, time of death, person …); "
                + "set State to Dead, or Resolved to true.");
        if (filter.Group is null)
            return null;
        return LetterGroups.Read(filter.Group) ?? throw new ArgumentException(
            $"DeliveryFilter.Group is '{filter.Group}'; a group's id has 16 hexadecimal digits.");
    }

    private static bool AsksOfLetters(this DeliveryFilter filter) =>
        filter is not { Group: null, Since: null, Until: null, AttemptsMin: null, Persistence: null, Blame: null, Generation: null }
        || filter is not { Assignee: null, Manual: null, Resolved: null, VisibleTo: null };

    /// <summary>The key generation of a replay: see <see cref="ReplayKey"/>.</summary>
    public static int KeyGeneration(ReplayKey key, int current, int generation, bool maybeApplied, bool editedSince) => key switch
    {
        ReplayKey.Keep => current,
        ReplayKey.New => generation + 1,
        _ => maybeApplied && !editedSince ? current : generation + 1,
    };

    /// <summary>What the history says of a replay.</summary>
    public static string? Detail(ReplayKey key, string? reason) => key switch
    {
        ReplayKey.Keep => With("with the same Idempotency-Key", reason),
        ReplayKey.New => With("with a new Idempotency-Key", reason),
        _ => reason,
    };

    /// <summary>Why a replay job leaves a letter alone; null when it does not.</summary>
    /// <param name="found">Whether the job's maker may act on it.</param>
    /// <param name="diedAt">Its time of death.</param>
    /// <param name="madeAt">When the job was made.</param>
    /// <param name="holder">Who has it in hand, where somebody has.</param>
    public static string? LeftAlone(DeadLetterOutcome found, long diedAt, long madeAt, string? holder) => found switch
    {
        DeadLetterOutcome.Taken => $"taken by {holder}",
        DeadLetterOutcome.Done => diedAt > madeAt ? "died again since the job was made" : null,
        _ => "not dead any more",
    };

    /// <summary>What the history says of an edit.</summary>
    public static string Detail(EditPayloadCommand command, long bytesBefore) =>
        With($"{bytesBefore:N0} to {command.Body.Length:N0} bytes", command.Reason);

    private static string With(string what, string? reason) => string.IsNullOrWhiteSpace(reason) ? what : $"{what}: {reason}";

    /// <summary>What the history says of a letter that was taken.</summary>
    public static string Until(long until) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"until {StoreTime.Time(until):yyyy-MM-dd'T'HH:mm:ss'Z'}");

    /// <summary>What it says of one that was let go; null when the holder did so.</summary>
    public static string? HeldBy(string holder, string actor) => holder == actor ? null : $"was taken by {holder}";

    /// <summary>Refuses what no store keeps.</summary>
    /// <exception cref="ArgumentException">A text or a time is out of its bounds; the message names it.</exception>
    public static void Check(StoreCommand command)
    {
        switch (command)
        {
            case AnnotateCommand annotate:
                That(annotate.Note is null || annotate.Note.Length <= NoteCharsMax,
                    $"AnnotateCommand.Note has {annotate.Note?.Length} characters; at most {NoteCharsMax} are kept.");
                That(annotate.Assignee is null || annotate.Assignee.Length <= ActorCharsMax,
                    $"AnnotateCommand.Assignee has {annotate.Assignee?.Length} characters; at most {ActorCharsMax} are kept.");
                EnqueueChecks.CheckZero(annotate.Note, "AnnotateCommand.Note");
                EnqueueChecks.CheckZero(annotate.Assignee, "AnnotateCommand.Assignee");
                break;
            case TakeCommand take:
                That(take.Duration > TimeSpan.Zero && take.Duration <= TakeMax,
                    $"TakeCommand.Duration is {take.Duration}; it must be more than zero and at most {TakeMax}.");
                break;
            case AddKeyCommand key:
                KeyRules.Check(key);
                break;
            case ImportLetterCommand import:
                import.Row = ImportedLetter.Of(import);
                break;
            case IndexLettersCommand index:
                That(index.Limit is >= 1 and <= 10_000, $"IndexLettersCommand.Limit is {index.Limit}; it must be 1 to 10000.");
                break;
        }
    }

    private static void That(bool good, string message)
    {
        if (!good)
            throw new ArgumentException(message);
    }

    /// <summary>What an annotation changes, one line of history each.</summary>
    public static IEnumerable<(string Verb, string? Detail)> Acts(AnnotateCommand command)
    {
        if (command.Assignee is { } assignee)
            yield return assignee.Length == 0 ? ("unassign", null) : ("assign", $"to {assignee}");
        if (command.Note is { } note)
            yield return note.Length == 0 ? ("note", "removed") : ("note", note);
        if (command.Manual is { } manual)
            yield return (manual ? "park" : "unpark", null);
    }

    /// <summary>The marks after an annotation.</summary>
    public static LetterMarks With(this LetterMarks marks, AnnotateCommand command) => marks with
    {
        Assignee = command.Assignee is null ? marks.Assignee : NullIfEmpty(command.Assignee),
        Note = command.Note is null ? marks.Note : NullIfEmpty(command.Note),
        Manual = command.Manual ?? marks.Manual,
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
