using System.Security.Cryptography;
using Recourse.Durable;
using Recourse.Server.Redaction;

namespace Recourse.Server;

// What concerns secrets: who the relay is to its services, certificates, masks.
internal sealed partial class ConfigurationBinder
{
    private RedactConfiguration Redact(GroupValues? values)
    {
        if (values is null)
            return new();
        var (headers, places) = (values.Get<List<PlacedText>>("headers", []), values.Get<List<PlacedText>>("json", []));
        foreach (var header in headers.Where(header => !HeaderRules.IsName(header.Text) || header.Text.All(letter => letter == '*')))
            Error(header.Mark, $"'{header.Text}' is no name of a header; write X-Card, or X-* with a star for any letters.");
        foreach (var place in places)
        {
            if (JsonPath.Mistake(place.Text) is { } mistake)
                Error(place.Mark, mistake);
        }
        return new() { Headers = [.. headers.Select(header => header.Text)], Json = [.. places.Select(place => place.Text)] };
    }

    private List<PayloadKey> Encryption(GroupValues? values)
    {
        var keys = new List<PayloadKey>();
        if (values is null)
            return keys;
        var groups = values.Get<List<NamedGroup>>("keys", []);
        if (groups.Count == 0)
            Error(values.Mark, "'encryption' needs keys: { ID: { key: ${file:PATH} } }.");
        foreach (var group in groups)
        {
            // The value is a secret: no message shows it.
            var bytes = new byte[64];
            if (group.Values.Get<string?>("key", null) is not { } text
                || !Convert.TryFromBase64String(text.Trim(), bytes, out var length) || length != 32)
                Error(group.Values.At("key"), $"The key '{group.Name}' needs key: 32 bytes in base64. Make one with: openssl rand "
                    + $"-base64 32.");
            else if (group.Name.Length > 32)
                Error(group.Mark, $"'{group.Name}' has {group.Name.Length} characters; the id of a key has 32 at most, for it stands in "
                    + $"each row.");
            else
                keys.Add(new(group.Name, bytes.AsSpan(0, length)));
        }
        if (values.Get<string?>("active", null) is { } active)
        {
            if (!groups.Exists(group => group.Name == active))
                Error(values.At("active"), $"'active' is '{active}', which is none of the keys: "
                    + $"{string.Join(", ", groups.Select(group => group.Name))}.");
            keys = [.. keys.Where(key => key.Id == active), .. keys.Where(key => key.Id != active)];
        }
        return keys;
    }

    private ServiceAuth? Auth(GroupValues? values, Dictionary<string, string> headers)
    {
        if (values is null)
            return null;
        var auth = new ServiceAuth
        {
            Bearer = Secret(values, "bearer"),
            User = values.Get<string?>("user", null),
            Password = Secret(values, "password"),
            Header = values.Get<string?>("header", null),
            Value = Secret(values, "value"),
        };
        var ways = (auth.Bearer is null ? 0 : 1) + (auth.User is null && auth.Password is null ? 0 : 1)
            + (auth.Header is null && auth.Value is null ? 0 : 1);
        if (ways != 1 || (auth.User is null) != (auth.Password is null) || (auth.Header is null) != (auth.Value is null))
            Error(values.Mark, "'auth' is one of bearer, user with password, or header with value.");
        else if (auth.User?.Contains(':', StringComparison.Ordinal) == true)
            Error(values.At("user"), "'user' holds a colon, which ends the name in Basic authentication.");
        else if (auth.Header is { } name && (!HeaderRules.IsName(name) || HeaderRules.IsOurs(name)))
            Error(values.At("header"), $"'{name}' is no name of a header, or one that the relay sets itself.");
        else if (headers.ContainsKey(auth.Carried().Name))
            Error(values.Mark, $"The header '{auth.Carried().Name}' stands in headers too. Keep one of them.");
        return auth;
    }

    // The value is never shown: it is a secret.
    private string? Secret(GroupValues values, string key)
    {
        var text = values.Get<string?>(key, null);
        if (text is not null && !HeaderRules.IsValue(text))
            Error(values.At(key), $"'{key}' is one line of visible characters; what stands here, or in its variable or file, is not.");
        return text;
    }

    private IReadOnlyList<string> Sign(GroupValues? values)
    {
        if (values is null)
            return [];
        var secrets = values.Get<List<PlacedText>>("secret", []);
        if (!values.Has("secret"))
            Error(values.Mark, "'sign' needs secret: what the relay and the service share.");
        foreach (var secret in secrets.Where(secret => DeliverySigner.ReadSecret(secret.Text) is null))
            Error(secret.Mark, "A secret is whsec_ and base64, or a text, of at least 16 bytes. Make one with: openssl rand -base64 32.");
        return [.. secrets.Select(secret => secret.Text)];
    }

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
        if (tls is { Key: not null, Certificate: null })
            Error(values.At("key"), "'key' belongs to a certificate; write certificate: too.");
        else
            Usable(values, "tls", () => tls.Options());
        return tls;
    }

    private ServerTls? ServerTls(GroupValues? values, List<Uri> listen, GroupValues root)
    {
        var https = listen.Exists(address => address.Scheme == "https");
        if (values is null || FileOf(values, "certificate") is not { } certificate)
        {
            if (https)
                Error(root.At("listen"), "An https address needs tls: { certificate: FILE, key: FILE }.");
            else if (values is not null)
                Error(values.Mark, "'tls' needs certificate: the PEM file of the listener's certificate.");
            return null;
        }
        if (!https)
            warnings.Add(new(values.Mark.File, values.Mark.Line, values.Mark.Column,
                "tls: is set, but no address in listen begins with https://."));
        var tls = new ServerTls { Certificate = certificate, Key = FileOf(values, "key") };
        Usable(values, "tls", () => PemCertificate.Load(tls.Certificate, tls.Key).Dispose());
        return tls;
    }

    private void Usable(GroupValues values, string key, Action load)
    {
        try
        {
            load();
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
