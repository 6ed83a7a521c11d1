namespace Recourse.Tables;

/// <summary>Every family of the built-in table.</summary>
internal static class CodeFamilies
{
    internal static IReadOnlyList<CodeFamily> All { get; } =
    [
        HttpCodes.Family, SocketCodes.Family, PostgresCodes.Family, SqliteCodes.Family, DotnetCodes.Family,
    ];
}
