namespace Recourse.Tables;

/// <summary>
/// One row of the fault table: codes that mean the same. <paramref name="Codes"/> are separated by blanks; a code may carry the names it
/// also goes by, as in <c>14=UNAVAILABLE</c>. What is null comes from the kind's default row.
/// </summary>
internal sealed record CodeRow(
    FaultKind Kind,
    string Codes,
    Persistence? Persistence = null,
    bool? Throttling = null,
    RetryScope? Scope = null,
    Applied? Applied = null,
    Blame? Blame = null)
{
    internal FaultCells Cells { get; } = new()
    {
        Persistence = Persistence,
        Scope = Scope,
        Applied = Applied,
        Blame = Blame,
        Throttling = Throttling,
    };
}

/// <summary>A family of codes: its rows, and what an unlisted code of it means.</summary>
/// <param name="Name">The name in evidence and rules.</param>
/// <param name="Rows">Built in; earlier rows win.</param>
/// <param name="Otherwise">The row for a code that is not listed; null where nothing can be said about it.</param>
/// <param name="Aliases">Other names of the family, separated by blanks.</param>
internal sealed record CodeFamily(string Name, CodeRow[] Rows, Func<string, CodeRow?>? Otherwise = null, string Aliases = "");
