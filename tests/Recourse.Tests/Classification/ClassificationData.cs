using System.Text;

namespace Recourse.Tests.Classification;

/// <summary>One row of the collected error tables of drivers and standards.</summary>
public sealed record SourceRow(string Source, string Family, string Code, string Message, string Transient, bool Throttling,
    string MessageKind)
{
    public bool HasText => Message.Length > 0 && MessageKind is not ("code" or "none");
}

/// <summary>Reads classification.csv from the data folder beside the repository; it is never copied into it.</summary>
public static class ClassificationData
{
    private static readonly Lazy<IReadOnlyList<SourceRow>?> Rows = new(Read);

    public static IReadOnlyList<SourceRow> All()
    {
        if (Rows.Value is null) Assert.Skip("classification.csv is not here; RECOURSE_SHARED_DATA may name the folder that holds it.");
        return Rows.Value;
    }

    /// <summary>(family, code) pairs on which one source says that it passes and another that it stays.</summary>
    public static IReadOnlySet<(string Family, string Code)> Disputed() =>
        All().GroupBy(row => (row.Family, row.Code))
            .Where(group => group.Any(row => row.Transient == "true") && group.Any(row => row.Transient == "false"))
            .Select(group => group.Key)
            .ToHashSet();

    private static List<SourceRow>? Read()
    {
        if (Find() is not { } path) return null;
        var lines = Records(File.ReadAllText(path)).Skip(1);
        return [.. lines.Select(cells => new SourceRow(cells[0], cells[1], cells[2], cells[4], cells[5], cells[6] == "true", cells[8]))];
    }

    private static string? Find()
    {
        var folders = new List<string>();
        if (Environment.GetEnvironmentVariable("RECOURSE_SHARED_DATA") is { Length: > 0 } set) folders.Add(set);
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            folders.Add(Path.Combine(folder.FullName, "shared", "data"));
        return folders.Select(folder => Path.Combine(folder, "classification.csv")).FirstOrDefault(File.Exists);
    }

    private static IEnumerable<string[]> Records(string text)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"') { cell.Append('"'); i++; }
            else if (c == '"') quoted = !quoted;
            else if (!quoted && c == ',') { cells.Add(cell.ToString()); cell.Clear(); }
            else if (!quoted && c == '\n')
            {
                cells.Add(cell.ToString().TrimEnd('\r'));
                cell.Clear();
                yield return [.. cells];
                cells.Clear();
            }
            else cell.Append(c);
        }
    }
}
