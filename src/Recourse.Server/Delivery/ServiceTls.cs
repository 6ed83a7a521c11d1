using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Recourse.Server;

/// <summary>Whom the relay believes at a service's https address, and the certificate that it shows there. All files are PEM.</summary>
public sealed record ServiceTls
{
    /// <summary>The authorities that count instead of the machine's; null takes the machine's.</summary>
    public string? CaFile { get; init; }

    /// <summary>The certificate that the relay shows; null shows none.</summary>
    public string? Certificate { get; init; }

    /// <summary>Its private key; null when it stands in the same file.</summary>
    public string? Key { get; init; }

    /// <summary>Makes the options of a connection.</summary>
    /// <exception cref="CryptographicException">A file is no certificate or key, or the two do not belong together.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    internal SslClientAuthenticationOptions Options()
    {
        var options = new SslClientAuthenticationOptions();
        if (CaFile is not null)
        {
            options.CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                // Private authorities seldom answer questions about revocation; the machine's are asked by the machine's rules.
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(PemCertificate.All(CaFile));
        }
        if (Certificate is not null)
            options.ClientCertificateContext = PemCertificate.LoadChain(Certificate, Key);
        return options;
    }
}
