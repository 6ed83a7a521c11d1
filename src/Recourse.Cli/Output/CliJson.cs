using System.Text.Json.Serialization;
using Recourse.Cli.Commands;
using Recourse.Cli.Demo;
using Recourse.Cli.Sending;

namespace Recourse.Cli.Output;

/// <summary>The documents that this program itself writes.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = false)]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(BulkResult))]
[JsonSerializable(typeof(SendResult))]
[JsonSerializable(typeof(DemoResult))]
[JsonSerializable(typeof(DbFindings))]
[JsonSerializable(typeof(DbMigrated))]
[JsonSerializable(typeof(DbBackedUp))]
[JsonSerializable(typeof(DbRestored))]
[JsonSerializable(typeof(DbRekeyed))]
internal sealed partial class CliJson : JsonSerializerContext;
