using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Recourse.Server.Tests.Configuration;
using Recourse.Tests;

namespace Recourse.Server.Tests;

/// <summary>What is said about certificates and keys that cannot be used, or count no more.</summary>
public sealed class PemCertificateTests : IDisposable
{
    private static readonly DateTimeOffset Long = new(2001, 2, 3, 4, 5, 0, TimeSpan.Zero);

    private readonly Folder _folder = new();

    public PemCertificateTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=relay", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        Write("good.pem", request, now.AddDays(-1), now.AddDays(1), key);
        Write("expired.pem", request, Long.AddYears(-1), Long, key);
        Write("early.pem", request, now.AddYears(5), now.AddYears(6), key);
        _folder.Write("key.pem", key.ExportPkcs8PrivateKeyPem());
        _folder.Write("other.pem", other.ExportPkcs8PrivateKeyPem());
        _folder.Write("encrypted.pem", key.ExportEncryptedPkcs8PrivateKeyPem("word",
            new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        _folder.Write("junk.pem", "nonsense");
        _folder.Write("folder/file", "");
    }

    private void Write(string name, CertificateRequest request, DateTimeOffset from, DateTimeOffset to, ECDsa key)
    {
        using var made = request.CreateSelfSigned(from, to);
        _folder.Write(name, made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
    }

    private ConfigurationResult Listener(string files) => RelayConfiguration.Parse(
        $"listen: https://127.0.0.1:0\ntls: {{ {files} }}", _folder.Path("recourse.yaml"));

    [Theory]
    [InlineData("certificate: nowhere.pem", "There is no file '{0}nowhere.pem'.")]
    [InlineData("certificate: folder", "'{0}folder' is a folder; name a PEM file.")]
    [InlineData("certificate: junk.pem", "'{0}junk.pem' holds no certificate in PEM form")]
    [InlineData("certificate: key.pem", "'{0}key.pem' holds no certificate in PEM form")]
    [InlineData("certificate: good.pem, key: junk.pem", "'{0}junk.pem' holds no private key in PEM form")]
    [InlineData("certificate: good.pem, key: folder", "'{0}folder' is a folder")]
    [InlineData("certificate: good.pem, key: encrypted.pem", "The key in '{0}encrypted.pem' is encrypted")]
    [InlineData("certificate: good.pem, key: other.pem", "The key in '{0}other.pem' does not belong to the certificate in '{0}good.pem'.")]
    public void A_file_that_cannot_be_used_is_named_with_what_is_wrong(string files, string says)
    {
        var expected = string.Format(System.Globalization.CultureInfo.InvariantCulture, says, _folder.Path("x")[..^1]);
        Assert.Contains(expected, Assert.Single(Listener(files).Errors).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("expired.pem", "has expired")]
    [InlineData("early.pem", "is not valid yet")]
    public void A_certificate_out_of_its_time_is_warned_of_with_its_file_and_dates(string file, string says)
    {
        var listener = Listener($"certificate: {file}");
        Assert.Empty(listener.Errors);
        var warning = Assert.Single(listener.Warnings, found => found.Message.Contains("certificate", StringComparison.Ordinal)).Message;
        Assert.Contains($"'{_folder.Path(file)}' {says}: it counts from", warning, StringComparison.Ordinal);
        if (file == "expired.pem")
            Assert.Contains("from 2000-02-03 04:05 to 2001-02-03 04:05 UTC", warning, StringComparison.Ordinal);

        var service = RelayConfiguration.Parse($"services: {{ shop: {{ tls: {{ ca_file: {file} }} }} }}", _folder.Path("recourse.yaml"));
        Assert.Contains(service.Warnings, found => found.Message.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void A_good_certificate_is_not_warned_of()
    {
        var listener = Listener("certificate: good.pem, key: key.pem");
        Assert.Empty(listener.Errors);
        Assert.DoesNotContain(listener.Warnings, warning => warning.Message.Contains("certificate", StringComparison.Ordinal));
    }

    [Fact]
    public void A_certificate_that_is_put_in_the_place_of_a_good_one_out_of_its_time_is_told_once()
    {
        var (clock, log) = (new ManualClock(TimeProvider.System.GetUtcNow()), new Noted());
        var certificate = new ServerCertificate(new() { Certificate = _folder.Path("good.pem") }, clock, () => log);
        for (var i = 0; i < 3; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            _ = certificate.Current();
        }
        Assert.Empty(log.Lines);
        File.Copy(_folder.Path("expired.pem"), _folder.Path("good.pem"), overwrite: true);
        File.SetLastWriteTimeUtc(_folder.Path("good.pem"), clock.GetUtcNow().UtcDateTime.AddHours(1));
        for (var i = 0; i < 3; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            _ = certificate.Current();
        }
        Assert.Contains("has expired", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private sealed class Noted : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) => Lines.Add(formatter(state, exception));
    }

    public void Dispose() => _folder.Dispose();
}
