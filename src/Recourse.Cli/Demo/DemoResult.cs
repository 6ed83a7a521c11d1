namespace Recourse.Cli.Demo;

/// <summary>The verdict as a document: counts are deliveries (a message for two services is two).</summary>
internal sealed record DemoResult
{
    public required bool Balanced { get; init; }
    public required bool GaveUp { get; init; }
    public required int Seed { get; init; }
    public required double Seconds { get; init; }
    public required int Messages { get; init; }
    public required long Accepted { get; init; }
    public required long Delivered { get; init; }
    public required long Dead { get; init; }
    public required long Waiting { get; init; }
    public required int Lost { get; init; }
    public required int Altered { get; init; }
    public required int OutOfOrder { get; init; }
    public required int Replayed { get; init; }
    public required DemoDuplicates Duplicates { get; init; }
    public required int Kills { get; init; }
    public required double? RecoverySeconds { get; init; }
    public required int RetriesOfSendersRecognised { get; init; }
    public required IReadOnlyList<string> Objections { get; init; }
    public string? Kept { get; init; }

    /// <summary>The verdict for people.</summary>
    public IEnumerable<string> Sentences()
    {
        yield return $"accepted {Accepted:N0} = delivered {Delivered:N0} + dead {Dead:N0} + waiting {Waiting:N0}   lost {Lost:N0}   "
            + $"altered {Altered:N0}   duplicates {Duplicates.Total:N0}";
        yield return $"(deliveries: {Messages:N0} messages, those of the queue audit for two services each; counted by the services, "
            + "not by the relay)";
        if (Kills > 0)
            yield return $"The relay was killed with SIGKILL {Kills} time(s) and took messages again {RecoverySeconds:0.0} s after "
                + "its restart began; "
                + $"{RetriesOfSendersRecognised} retries of senders were recognised and stored once.";
        yield return $"{Replayed:N0} dead letters were replayed once the service that rejected them was mended.";
        if (Duplicates.Total > 0)
        {
            yield return "A delivery arrives twice in two cases, each time with the same Idempotency-Key, by which a service knows it:";
            yield return $"  {Duplicates.LostAnswers,4} the service applied it and its answer was lost: the relay cannot know, "
                + "and asks again";
            yield return $"  {Duplicates.InFlightAtKill,4} it was in flight when the relay was killed: the answer came, "
                + "but was not on disk yet";
            if (Duplicates.WithoutCause > 0) yield return $"  {Duplicates.WithoutCause,4} without such a cause";
        }
        if (GaveUp) yield return "Gave up: the time limit was reached before everything was settled.";
        foreach (var objection in Objections) yield return $"WRONG: {objection}.";
        yield return Balanced ? "The books balance." : "The books do NOT balance.";
        if (Kept is not null) yield return $"Kept: {Kept} (recourse serve --config {Kept}/recourse.yaml)";
    }
}

/// <summary>Deliveries that arrived more than once, by cause.</summary>
internal sealed record DemoDuplicates(int LostAnswers, int InFlightAtKill, int WithoutCause)
{
    public int Total => LostAnswers + InFlightAtKill + WithoutCause;
}
