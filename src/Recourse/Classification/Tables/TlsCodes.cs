using static Recourse.FaultKind;
using static Recourse.Persistence;

namespace Recourse.Tables;

/// <summary>Certificate verification results by their OpenSSL and Node names. None passes by itself.</summary>
internal static class TlsCodes
{
    internal static readonly CodeFamily Family = new("tls",
    [
        new(TlsFailure, "UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_CRL UNABLE_TO_DECRYPT_CERT_SIGNATURE UNABLE_TO_DECRYPT_CRL_SIGNATURE " +
            "UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY CERT_SIGNATURE_FAILURE CRL_SIGNATURE_FAILURE CERT_NOT_YET_VALID CERT_HAS_EXPIRED " +
            "CRL_NOT_YET_VALID CRL_HAS_EXPIRED ERROR_IN_CERT_NOT_BEFORE_FIELD ERROR_IN_CERT_NOT_AFTER_FIELD " +
            "ERROR_IN_CRL_LAST_UPDATE_FIELD ERROR_IN_CRL_NEXT_UPDATE_FIELD DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN " +
            "UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE CERT_CHAIN_TOO_LONG CERT_REVOKED INVALID_CA " +
            "PATH_LENGTH_EXCEEDED INVALID_PURPOSE CERT_UNTRUSTED CERT_REJECTED HOSTNAME_MISMATCH ERR_TLS_CERT_ALTNAME_INVALID"),
        new(OutOfMemory, "OUT_OF_MEM", Permanent, Applied: Applied.No),
    ],
    code => code.Contains("CERT", StringComparison.OrdinalIgnoreCase) || code.Contains("CRL", StringComparison.OrdinalIgnoreCase)
        ? new CodeRow(TlsFailure, code)
        : null,
    "ssl openssl x509");
}
