using System.CommandLine;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Recourse.Cli.Output;
using Recourse.Server;

namespace Recourse.Cli.Client;

/// <summary>Whose certificates count for the relay: those of the machine, or of the authorities in a file that is named.</summary>
internal static class RelayTrust
{
    internal const string Variable = "RECOURSE_CA_FILE";

    /// <summary>The option of every command.</summary>
    public static Option<string?> File { get; } = new("--ca-file")
    {
        Description = $"A PEM file with the authorities that count for an https:// relay; without it the variable {Variable} counts, then "
            + "those of the machine",
        HelpName = "FILE",
        Recursive = true,
    };

    private static X509Certificate2Collection? _authorities;

    /// <summary>Takes over what the command line and the environment say.</summary>
    public static void Use(ParseResult parsed)
    {
        var file = parsed.GetValue(File) ?? (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } set ? set : null);
        try
        {
            _authorities = file is null ? null : PemCertificate.All(file);
        }
        catch (Exception error) when (error is IOException or CryptographicException or ArgumentException)
        {
            var source = parsed.GetValue(File) is null ? Variable : "--ca-file";
            throw new CliException(ExitCode.Usage, $"the authorities of {source} cannot be used: {Screen.Safe(error.Message)}", error);
        }
    }

    /// <summary>The TLS options of a connection to a relay.</summary>
    /// <param name="server">The relay.</param>
    /// <param name="refused">Told in words why a certificate was refused.</param>
    public static SslClientAuthenticationOptions Options(Uri server, Action<string> refused)
    {
        var options = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, chain, problems) =>
            {
                if (problems is SslPolicyErrors.None)
                    return true;
                refused(Words(server, certificate, chain, problems));
                return false;
            },
        };
        if (_authorities is null)
            return options;
        options.CertificateChainPolicy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(_authorities);
        return options;
    }

    private static string Words(Uri server, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors problems)
    {
        var found = (chain?.ChainStatus ?? []).Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
        if (certificate is null)
            return "shows no certificate.";
        if (found.HasFlag(X509ChainStatusFlags.NotTimeValid))
            return $"shows a certificate that counts from {certificate.GetEffectiveDateString()} to "
                + $"{certificate.GetExpirationDateString()} only (or one of its authorities does). Renew it, or set this machine's clock.";
        if ((found & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain)) != 0)
            return $"shows a certificate of an authority that does not count here ({Screen.Safe(certificate.Issuer, 100)}). Name the "
                + $"authority's file with --ca-file, or {Variable}.";
        if (problems.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return $"shows a certificate for another name than '{server.Host}'. Use the name that it was made for.";
        return $"shows a certificate that does not count ({found}).";
    }
}
