using System.Text;

namespace Recourse.Durable;

/// <summary>Which commands are acts, and what is noted of them. Every store asks after it applied a command, in the same commit.</summary>
internal static class AuditRules
{
    /// <summary>Acts for this name are the configuration's, not a person's: they are counted and stand in each letter's history.</summary>
    public const string Policy = "policy";
    private const int ReasonMax = 1_000;
    private const int ActorMax = 100;
    private const int VerbMax = 40;
    private const int TargetMax = 200;

    /// <summary>The act that a command was; null when it is none, as nearly all are.</summary>
    public static AuditEntry? Of(StoreCommand command, DateTimeOffset now)
    {
        var act = command switch
        {
            EnqueueCommand or ClaimCommand or CompleteCommand or FailCommand => null,
            ReplayCommand replay => Letter(replay.Actor, "replay", replay.Id, replay.Reason, replay.Result),
            DiscardCommand discard => Letter(discard.Actor, "discard", discard.Id, discard.Reason, discard.Result),
            ResolveCommand resolve => Letter(resolve.Actor, "resolve", resolve.Id, resolve.Reason, resolve.Result),
            EditPayloadCommand edit => Letter(edit.Actor, "edit", edit.Id, With($"{edit.Body.Length:N0} bytes", edit.Reason), edit.Result),
            AnnotateCommand note => Letter(note.Actor, "annotate", note.Id, Changed(note), note.Result),
            TakeCommand take => Letter(take.Actor, "take", take.Id, $"for {take.Duration.TotalMinutes:0.##} min", take.Result),
            LetGoCommand letGo => Letter(letGo.Actor, "release", letGo.Id, null, letGo.Result),
            ControlCommand control => Control(control),
            StartReplayCommand start => new(0, default, start.Request.Actor, "replay.start", $"replay/{start.Id:D}",
                With(start.Matched == 1 ? "1 letter" : $"{start.Matched:N0} letters", start.Request.Reason),
                start.Result ? "done" : "already"),
            // One that lost a race is tried again by whoever steers: only the last counts.
            MoveReplayCommand { Actor: { } actor, Result: true } move => new(0, default, actor, $"replay.{Verb(move.To)}",
                $"replay/{move.Id:D}", move.Reason, "done"),
            AddKeyCommand { Parent: null } add => new(0, default, add.Actor, "key.add", $"key/{add.Name}",
                $"{add.Role.Name()}, id {add.Id}", Words(add.Result.ToString())),
            AddKeyCommand session => new(0, default, session.Actor, "sign-in", $"key/{session.Name}", null,
                Words(session.Result.ToString())),
            RemoveKeyCommand remove => new(0, default, remove.Actor, remove.Removed?.Parent is null ? "key.remove" : "sign-out",
                $"key/{remove.Removed?.Name ?? remove.Id}", remove.Removed is { Parent: null } key ? $"{key.Role.Name()}, id {key.Id}"
                    : null,
                Words(remove.Result.ToString())),
            ReleaseNodeCommand release => new(0, default, release.Actor, "release", $"node/{release.Id}",
                release.Result is { } ended ? With($"{ended.Suspects:N0} in hand", release.Reason) : release.Reason,
                release.Result is null ? "not-found" : "done"),
            NoteActCommand note => new(0, default, note.Actor, note.Verb, note.Target, note.Reason, note.Outcome),
            _ => null,
        };
        return act is null || act.Actor == Policy ? null : act with
        {
            At = now,
            Actor = Cut(act.Actor, ActorMax)!,
            Verb = Cut(act.Verb, VerbMax)!,
            Target = Cut(act.Target, TargetMax)!,
            Reason = Cut(act.Reason, ReasonMax),
            Outcome = Cut(act.Outcome, VerbMax)!,
        };
    }

    private static AuditEntry Letter(string actor, string verb, DeliveryId id, string? reason, DeadLetterOutcome outcome) =>
        new(0, default, actor, verb, $"dead-letter/{id}", reason, Words(outcome.ToString()));

    private static AuditEntry Control(ControlCommand command)
    {
        var (of, verb) = (command.Kind, command.On) switch
        {
            (ControlKind.QueuePaused, true) => ("queue", "pause"),
            (ControlKind.QueueDraining, true) => ("queue", "drain"),
            (ControlKind.QueuePaused or ControlKind.QueueDraining, false) => ("queue", "resume"),
            (ControlKind.ServiceIsolated, true) => ("service", "isolate"),
            (ControlKind.ServiceIsolated, false) => ("service", "reset"),
            (_, true) => ("service", "pause"),
            _ => ("service", "resume"),
        };
        return new(0, default, command.Actor, verb, $"{of}/{command.Name}", command.Reason, command.Result ? "done" : "unchanged");
    }

    private static string Verb(ReplayState to) => to switch
    {
        ReplayState.Paused => "pause",
        ReplayState.Cancelled => "cancel",
        _ => "resume",
    };

    private static string Changed(AnnotateCommand command)
    {
        var parts = new List<string>();
        if (command.Assignee is { } assignee)
            parts.Add(assignee.Length == 0 ? "assigned to nobody" : $"assigned to {assignee}");
        if (command.Note is not null)
            parts.Add("note");
        if (command.Manual is { } manual)
            parts.Add(manual ? "manual queue" : "not in the manual queue");
        return string.Join(", ", parts);
    }

    private static string With(string what, string? reason) => string.IsNullOrWhiteSpace(reason) ? what : $"{what}: {reason}";

    /// <summary><c>NotDead</c> as <c>not-dead</c>.</summary>
    private static string Words(string name)
    {
        var words = new StringBuilder(name.Length + 4);
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && words.Length > 0)
                words.Append('-');
            words.Append(char.ToLowerInvariant(letter));
        }
        return words.ToString();
    }

    private static string? Cut(string? text, int most) => text?.Length > most ? text[..(most - 1)] + "…" : text;

    /// <summary>Whether a filter lets an act pass.</summary>
    public static bool Admits(this AuditFilter filter, AuditEntry act) =>
        (filter.Actor is null || filter.Actor == act.Actor) && (filter.Verb is null || filter.Verb == act.Verb)
        && (filter.Since is null || act.At >= filter.Since) && (filter.Until is null || act.At < filter.Until);
}
