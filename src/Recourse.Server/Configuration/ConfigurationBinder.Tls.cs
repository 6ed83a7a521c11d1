using System.Security.Cryptography;

namespace Recourse.Server;

// What concerns TLS: certificates of the listener, of services, and the authorities that count.
internal sealed partial class ConfigurationBinder
{
    private ServiceTls? ClientTls(GroupValues? values)
    {
        if (values is null)
            return null;
        var tls = new ServiceTls
        {
            CaFile = FileOf(values, "ca_file"),
            Certificate = FileOf(values, "certificate"),
            Key = FileOf(values, "key"),
        };
        if (tls is { CaFile: null, Certificate: null, Key: null } && !values.HasWrong)
            Error(values.Mark, "'tls' of a service needs ca_file, certificate, or both; without them leave it out.");
        else if (tls is { Key: not null, Certificate: null })
            Error(values.At("key"), "'key' belongs to a certificate; write certificate: too.");
        else
            Usable(values, "tls", () => tls.Options(), tls.CaFile, tls.Certificate);
        return tls;
    }

    private ServerTls? ServerTls(GroupValues? values, List<Uri> listen, GroupValues root)
    {
        var https = listen.Exists(address => address.Scheme == "https");
        if (values is null || FileOf(values, "certificate") is not { } certificate)
        {
            if (https && (values is null ? root.Lacks("tls") : values.Lacks("certificate")))
                Error(root.At("listen"), "An https address needs tls: { certificate: FILE, key: FILE }.");
            else if (!https && values?.Lacks("certificate") == true)
                Error(values.Mark, "'tls' needs certificate: the PEM file of the listener's certificate.");
            return null;
        }
        if (!https)
            Warn(values.Mark, "tls: is set, but no address in listen begins with https://.");
        var tls = new ServerTls { Certificate = certificate, Key = FileOf(values, "key") };
        Usable(values, "tls", () => PemCertificate.Load(tls.Certificate, tls.Key).Dispose(), tls.Certificate);
        return tls;
    }

    private void Usable(GroupValues values, string key, Action load, params string?[] dated)
    {
        try
        {
            load();
            // TLS refuses a certificate by the time of the day, so the machine's clock counts here, whoever reads the configuration.
            foreach (var file in dated.OfType<string>())
            {
                if (PemCertificate.OutOfDate(file, TimeProvider.System.GetUtcNow()) is { } warning)
                    Warn(values.Mark, warning);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            Error(values.Mark, $"The files of '{key}' cannot be used: {error.Message}");
        }
    }

    // Relative to the file that names it.
    private static string? FileOf(GroupValues values, string key) => values.Get<string?>(key, null) is { } path
        ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(values.At(key).File))!, path) : null;
}
