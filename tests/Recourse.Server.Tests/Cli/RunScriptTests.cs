using System.Diagnostics;
using Recourse.Server.Tests.Configuration;

namespace Recourse.Server.Tests.Cli;

/// <summary>What <c>./recourse</c> says where it cannot be built.</summary>
public sealed class RunScriptTests
{
    private const string NoSdk = "#!/bin/sh\n[ \"$1\" = --list-sdks ] && echo '8.0.100 [/usr/lib]' && exit 0\nexit 145\n";

    [Theory]
    [InlineData(null, "'dotnet' is not on the PATH")]
    [InlineData(NoSdk, "needs the .NET 10 SDK, and this machine has 8.0.100")]
    public async Task Without_the_SDK_it_is_one_sentence_and_code_69(string? dotnet, string says)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("The script is for bash.");
            return;
        }
        using var folder = new Folder();
        foreach (var tool in (string[])["bash", "readlink", "dirname", "awk", "paste"])
            File.CreateSymbolicLink(folder.Path(tool), Found(tool));
        if (dotnet is not null)
            File.SetUnixFileMode(folder.Write("dotnet", dotnet), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo(Found("bash"), [Repository.Find("recourse"), "queues"])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = Path.GetDirectoryName(folder.Path("x"));
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 69, error);
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.Single(error.Trim().Split('\n'));
    }

    private static string Found(string tool) =>
        new[] { "/usr/bin", "/bin" }.Select(folder => Path.Combine(folder, tool)).First(File.Exists);
}
