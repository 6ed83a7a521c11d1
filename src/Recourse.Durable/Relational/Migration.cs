using System.Globalization;
using System.Reflection;

namespace Recourse.Durable;

/// <summary>One step of a schema: an embedded file <c>Migrations/0001_name.sql</c>, applied once, in order.</summary>
internal sealed record Migration(int Version, string Name, string Sql)
{
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
}
