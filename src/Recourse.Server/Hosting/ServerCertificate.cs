using System.Net.Security;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;

namespace Recourse.Server;

/// <summary>
/// The certificate of the listener. Its files are looked at again every 10 s when somebody connects; a changed one counts for the next
/// connection, and one that cannot be used leaves the old one in place.
/// </summary>
internal sealed class ServerCertificate(ServerTls tls, TimeProvider time, Func<ILogger?> logger)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(10);
    private readonly Lock _lock = new();
    private SslStreamCertificateContext _current = PemCertificate.LoadChain(tls.Certificate, tls.Key);
    private (DateTime, DateTime) _written = Written(tls);
    private long _lookedAt = time.GetTimestamp();
    private bool _toldDates;

    public SslStreamCertificateContext Current()
    {
        lock (_lock)
        {
            if (time.GetElapsedTime(_lookedAt) < LookAgain)
                return _current;
            _lookedAt = time.GetTimestamp();
            try
            {
                var written = Written(tls);
                if (written != _written)
                    (_current, _written, _toldDates) = (PemCertificate.LoadChain(tls.Certificate, tls.Key), written, false);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
            {
                if (logger() is { } log)
                    Log.CertificateKept(log, tls.Certificate, error.Message);
            }
            TellDates();
            return _current;
        }
    }

    // Once for each certificate: a relay may run until it expires, or be given one that has.
    private void TellDates()
    {
        if (_toldDates || PemCertificate.OutOfDate(tls.Certificate, _current.TargetCertificate, time.GetUtcNow()) is not { } sentence)
            return;
        _toldDates = true;
        if (logger() is { } log)
            Log.CertificateOutOfDate(log, sentence);
    }

    private static (DateTime, DateTime) Written(ServerTls tls) =>
        (File.GetLastWriteTimeUtc(tls.Certificate), File.GetLastWriteTimeUtc(tls.Key ?? tls.Certificate));
}

/// <summary>The certificate of https listeners, as PEM files.</summary>
public sealed record ServerTls
{
    /// <summary>The certificate, with those between it and its authority.</summary>
    public required string Certificate { get; init; }

    /// <summary>Its private key; null when it stands in the same file.</summary>
    public string? Key { get; init; }
}
