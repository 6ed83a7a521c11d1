using System.CommandLine;
using System.Text.Json.Serialization;
using Recourse.Cli.Output;
using Recourse.Server;

namespace Recourse.Cli.Commands;

/// <summary><c>recourse config</c>: says whether a configuration is right, and what may stand in it.</summary>
internal static class ConfigCommand
{
    public static Command Create() => new("config", "Check a configuration, or print its JSON schema") { Check(), Schema() };

    private static Command Check()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "The configuration; recourse.yaml when left out",
            DefaultValueFactory = _ => "recourse.yaml"
        };
        var json = CommonOptions.Json("Print the findings as one JSON document");
        var command = new Command("check", "Find everything that is wrong with a configuration, with file, line and column") { file, json };
        command.SetAction(parsed => Run(parsed.GetValue(file)!, parsed.GetValue(json)));
        return command.Teach(
        [
            ("Check the configuration of this folder", "recourse config check"),
            ("In a pipeline, with findings for a program", "recourse config check deploy/recourse.yaml --json"),
        ], "Environment variables and secret files that the configuration names must be there: they are part of it."
            + Environment.NewLine + "Exit codes: 0 it is right (there may be warnings), 1 it is wrong, 2 the file cannot be read.");
    }

    private static Command Schema()
    {
        var command = new Command("schema", "Print the JSON schema of the configuration, for editors");
        command.SetAction(_ =>
        {
            Console.Out.Write(JsonSchema.Text());
            return ExitCode.Ok;
        });
        return command.Teach([("Give it to an editor", "recourse config schema > recourse.schema.json")]);
    }

    private static int Run(string file, bool json)
    {
        var loaded = RelayConfiguration.Load(file);
        if (json)
        {
            JsonOutput.Write(new(loaded.Configuration is not null, loaded.Errors, loaded.Warnings, loaded.Files),
                ConfigJson.Default.ConfigFindings);
        }
        else
        {
            foreach (var error in loaded.Errors)
                Console.Error.WriteLine(error);
            foreach (var warning in loaded.Warnings)
                Console.Error.WriteLine($"{warning.File}:{warning.Line}:{warning.Column}: warning: {warning.Message}");
            if (loaded.Configuration is { } configuration)
                Console.Out.WriteLine($"{file} is right: {Screen.Counted(configuration.Queues.Count, "queue", "queues")}, "
                    + $"{Screen.Counted(configuration.Services.Count, "service", "services")}, "
                    + $"store {StoreName.Shown(configuration.Store)}.");
        }
        return loaded.Configuration is not null ? ExitCode.Ok : loaded.Files.Count == 0 ? ExitCode.Usage : ExitCode.Failed;
    }
}

/// <summary>What <c>config check --json</c> prints.</summary>
internal sealed record ConfigFindings(
    bool Valid, IReadOnlyList<ConfigurationError> Errors, IReadOnlyList<ConfigurationError> Warnings, IReadOnlyList<string> Files);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ConfigFindings))]
internal sealed partial class ConfigJson : JsonSerializerContext;
