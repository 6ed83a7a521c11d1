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
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(CaFile);
            if (authorities.Count == 0)
                throw new CryptographicException("It holds no certificate.");
            options.CertificateChainPolicy = new()
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                // Private authorities seldom answer questions about revocation; the machine's are asked by the machine's rules.
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }
        if (Certificate is not null)
            options.ClientCertificateContext = PemCertificate.LoadChain(Certificate, Key);
        return options;
    }
}

/// <summary>Loads a certificate with its key.</summary>
internal static class PemCertificate
{
    public static X509Certificate2 Load(string certificate, string? key)
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificate, key ?? certificate);
        // Through PKCS#12, because not every platform can use a key that was never stored.
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>The certificate with those of its file that stand between it and its authority: whoever connects may not have
    /// them.</summary>
    public static SslStreamCertificateContext LoadChain(string certificate, string? key)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(certificate);
        var leaf = Load(certificate, key);
        foreach (var own in all.Where(one => one.Thumbprint == leaf.Thumbprint).ToList())
            all.Remove(own);
        return SslStreamCertificateContext.Create(leaf, all, offline: true);
    }
}
