namespace Recourse.Tests.Classification;

/// <summary>A message of a program, and whether its failure passes.</summary>
public sealed record OtherText(string Family, bool Passes, string Message);

/// <summary>Reads texts.txt: messages of programs that the file of answers does not have.</summary>
public static class OtherTexts
{
    private static readonly Lazy<IReadOnlyList<OtherText>> Texts = new(() => [.. Read()]);

    public static IReadOnlyList<OtherText> All => Texts.Value;

    private static IEnumerable<OtherText> Read()
    {
        using var stream = typeof(OtherTexts).Assembly.GetManifestResourceStream("texts.txt")!;
        using var reader = new StreamReader(stream);
        var family = "";
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#')) family = line[2..line.IndexOf('|', StringComparison.Ordinal)].Trim();
            else if (line.StartsWith('+') || line.StartsWith('-')) yield return new OtherText(family, line[0] == '+', line[2..]);
        }
    }
}
