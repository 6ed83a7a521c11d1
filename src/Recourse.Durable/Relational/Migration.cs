using System.Globalization;
using System.Reflection;

namespace Recourse.Durable;

/// <summary>
/// One step of a schema: an embedded file <c>Migrations/0001_name.sql</c>, applied once, in order. A line <c>-- oldest reader: N</c> says
/// which programs may still work with the result; without it only those that know this step.
/// </summary>
internal sealed record Migration(int Version, string Name, string Sql)
{
    private const string OldestReaderMark = "-- oldest reader:";

    /// <summary>The oldest schema that a program must know to work with a file after this step.</summary>
    public int OldestReader { get; } = ReadOldestReader(Version, Name, Sql);

    /// <summary>All steps in an assembly, oldest first.</summary>
    public static IReadOnlyList<Migration> Of(Assembly assembly)
    {
        var found = new List<Migration>();
        foreach (var resource in assembly.GetManifestResourceNames())
        {
            var at = resource.IndexOf(".Migrations.", StringComparison.Ordinal);
            if (at < 0 || !resource.EndsWith(".sql", StringComparison.Ordinal))
                continue;
            var name = resource[(at + ".Migrations.".Length)..^".sql".Length];
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            found.Add(new(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), name, reader.ReadToEnd()));
        }
        found.Sort((left, right) => left.Version.CompareTo(right.Version));
        return found;
    }

    private static int ReadOldestReader(int version, string name, string sql)
    {
        foreach (var line in sql.AsSpan().EnumerateLines())
        {
            if (!line.StartsWith(OldestReaderMark, StringComparison.Ordinal))
                continue;
            return int.TryParse(line[OldestReaderMark.Length..].Trim(), CultureInfo.InvariantCulture, out var oldest)
                && oldest >= 1 && oldest <= version
                ? oldest
                : throw new InvalidOperationException($"Migration {name}: '{line}' must name a version from 1 to {version}.");
        }
        return version;
    }
}
