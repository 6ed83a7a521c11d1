using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Recourse.Server;

/// <summary>Loads certificates and keys from PEM files. Each failure names the file, and what is wrong with it.</summary>
internal static class PemCertificate
{
    private const int FileBytesMax = 4 << 20;

    /// <summary>A certificate with its key.</summary>
    /// <exception cref="CryptographicException">A file is no certificate or key, or the two do not belong together.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static X509Certificate2 Load(string certificate, string? key)
    {
        var own = Text(certificate);
        Leaf(certificate, own).Dispose(); // Only to tell which of two files is wrong.
        var keyFile = key ?? certificate;
        var keyText = key is null ? own : Text(key);
        CheckKey(keyFile, keyText);
        try
        {
            using var pem = X509Certificate2.CreateFromPem(own, keyText);
            // Through PKCS#12, because not every platform can use a key that was never stored.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new CryptographicException($"The key in '{keyFile}' does not belong to the certificate in '{certificate}'.", error);
        }
    }

    /// <summary>The certificate with those of its file that stand between it and its authority: whoever connects may not have
    /// them.</summary>
    public static SslStreamCertificateContext LoadChain(string certificate, string? key)
    {
        var leaf = Load(certificate, key);
        var all = All(certificate);
        foreach (var own in all.Where(one => one.Thumbprint == leaf.Thumbprint).ToList())
            all.Remove(own);
        return SslStreamCertificateContext.Create(leaf, all, offline: true);
    }

    /// <summary>Every certificate of a file; one at least.</summary>
    public static X509Certificate2Collection All(string file)
    {
        var (text, all) = (Text(file), new X509Certificate2Collection());
        try
        {
            all.ImportFromPem(text);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw NoCertificate(file, error);
        }
        return all.Count > 0 ? all : throw NoCertificate(file, null);
    }

    /// <summary>A sentence when a certificate of a file counts no more, or not yet, at a time; null when all count.</summary>
    public static string? OutOfDate(string file, DateTimeOffset now)
    {
        foreach (var certificate in All(file))
        {
            using (certificate)
            {
                if (OutOfDate(file, certificate, now) is { } sentence)
                    return sentence;
            }
        }
        return null;
    }

    /// <summary>A sentence when a certificate counts no more, or not yet, at a time; null when it counts.</summary>
    public static string? OutOfDate(string file, X509Certificate2 certificate, DateTimeOffset now)
    {
        var (from, to) = (new DateTimeOffset(certificate.NotBefore).ToUniversalTime(),
            new DateTimeOffset(certificate.NotAfter).ToUniversalTime());
        var problem = now > to ? "has expired" : now < from ? "is not valid yet" : null;
        return problem is null ? null : string.Create(CultureInfo.InvariantCulture, $"The certificate {certificate.Subject} in '{file}' "
            + $"{problem}: it counts from {from:yyyy-MM-dd HH:mm} to {to:yyyy-MM-dd HH:mm} UTC. Connections with it will be refused.");
    }

    private static X509Certificate2 Leaf(string file, string text)
    {
        try
        {
            return X509Certificate2.CreateFromPem(text);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw NoCertificate(file, error);
        }
    }

    private static CryptographicException NoCertificate(string file, Exception? error) =>
        new($"'{file}' holds no certificate in PEM form (-----BEGIN CERTIFICATE-----).", error);

    private static void CheckKey(string file, string text)
    {
        // A key that is encrypted says so in its label, or in the older form in a line of its own.
        if (text.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal)
            || text.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            throw new CryptographicException($"The key in '{file}' is encrypted; a relay that starts by itself has no passphrase. Write it "
                + "without one: openssl pkey -in OLD -out NEW, readable for the relay alone.");
        if (!text.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            throw new CryptographicException($"'{file}' holds no private key in PEM form (-----BEGIN PRIVATE KEY-----).");
    }

    private static string Text(string file)
    {
        try
        {
            if (Directory.Exists(file))
                throw new IOException($"'{file}' is a folder; name a PEM file.");
            if (!File.Exists(file))
                throw new IOException($"There is no file '{file}'.");
            if (new FileInfo(file).Length > FileBytesMax)
                throw new IOException($"'{file}' has more than {FileBytesMax >> 20} MiB, so it is no PEM file of certificates.");
            return File.ReadAllText(file);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new IOException($"'{file}' cannot be read; check owner and permissions.", error);
        }
    }
}
