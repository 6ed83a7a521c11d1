using System.Reflection;
using Recourse.Sqlite;

namespace Recourse.Durable.Tests;

/// <summary>Files as earlier releases wrote them, kept as text and never edited: what was promised of them must still hold.</summary>
internal static class OldFormat
{
    /// <summary>Writes the store of the first release to a file.</summary>
    public static void RestoreSchema1(string path)
    {
        var assembly = Assembly.GetExecutingAssembly();
        var name = assembly.GetManifestResourceNames().Single(name => name.EndsWith("sqlite-schema-1.sql", StringComparison.Ordinal));
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        using var database = new SqliteDatabase(path, readOnly: false);
        database.Execute(reader.ReadToEnd());
    }
}
