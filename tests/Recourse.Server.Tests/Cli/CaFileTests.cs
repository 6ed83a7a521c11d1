using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Recourse.Cli;
using Recourse.Server.Tests.Configuration;

namespace Recourse.Server.Tests.Cli;

/// <summary>The command line against a relay whose certificate no machine knows.</summary>
public sealed class CaFileTests : IDisposable
{
    private readonly Folder _folder = new();

    public CaFileTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=relay", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        _folder.Write("ca.pem", made.ExportCertificatePem());
        _folder.Write("relay.pem", made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
    }

    private async Task<TestRelay> StartAsync()
    {
        var loaded = RelayConfiguration.Parse(TestRelay.Basic.Replace("http://127.0.0.1:0", "https://127.0.0.1:0", StringComparison.Ordinal)
            + "\ntls: { certificate: relay.pem }", _folder.Path("recourse.yaml"));
        Assert.Empty(loaded.Errors);
        return await TestRelay.StartAsync(loaded.Configuration!);
    }

    [Fact]
    public async Task The_authority_is_named_by_an_option_or_a_variable_and_asked_for_where_it_is_missing()
    {
        await using var relay = await StartAsync();
        string[] queues = ["queues", "--server", relay.Host.Addresses[0].ToString()];
        var refused = await CliProcess.RunAsync(queues);
        Assert.Equal(ExitCode.Unreachable, refused.ExitCode);
        Assert.Contains("an authority that does not count here (CN=relay). Name the authority's file with --ca-file", refused.Error,
            StringComparison.Ordinal);
        Assert.DoesNotContain("inner exception", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("serve` running", refused.Error, StringComparison.Ordinal);

        var named = await CliProcess.RunAsync([.. queues, "--ca-file", _folder.Path("ca.pem")]);
        Assert.True(named.ExitCode == ExitCode.Ok, named.Error);
        Assert.Contains("orders", named.Out, StringComparison.Ordinal);
        var set = new Dictionary<string, string> { ["RECOURSE_CA_FILE"] = _folder.Path("ca.pem") };
        Assert.Equal(ExitCode.Ok, (await CliProcess.RunAsync("", queues, set)).ExitCode);
    }

    [Fact]
    public async Task Another_name_and_a_door_without_TLS_are_told_as_they_are()
    {
        await using var relay = await StartAsync();
        var port = relay.Host.Addresses[0].Port;
        var other = await CliProcess.RunAsync("queues", "--server", $"https://localhost:{port}", "--ca-file", _folder.Path("ca.pem"));
        Assert.Contains("for another name than 'localhost'", other.Error, StringComparison.Ordinal);

        await using var plain = await TestRelay.StartAsync();
        var mistaken = await CliProcess.RunAsync("queues", "--server", $"https://127.0.0.1:{plain.Host.Addresses[0].Port}");
        Assert.Equal(ExitCode.Unreachable, mistaken.ExitCode);
        Assert.Contains("Is it an http:// address?", mistaken.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
