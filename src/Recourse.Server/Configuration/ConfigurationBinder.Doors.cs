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
        {
            if (values.Lacks("keys"))
                Error(values.Mark, "'encryption' needs keys: { ID: { key: ${file:PATH} } }.");
            return keys;
        }
        var seen = new List<(string Id, byte[] Bytes)>();
        foreach (var group in groups)
        {
            // The value is a secret: no message shows it.
            var bytes = new byte[64];
            if (group.Values.HasWrong)
                continue;
            if (group.Values.Get<string?>("key", null) is not { } text
                || !Convert.TryFromBase64String(text.Trim(), bytes, out var length) || length != 32)
                Error(group.Values.At("key"),
                    $"The key '{group.Name}' needs key: 32 bytes in base64. Make one with: openssl rand -base64 32.");
            else if (group.Name.Length > 32)
                Error(group.Mark, $"'{group.Name}' has {group.Name.Length} characters; the id of a key has 32 at most, "
                    + "for it stands in each row.");
            else if (seen.Find(other => other.Bytes.AsSpan().SequenceEqual(bytes.AsSpan(0, length))).Id is { } same)
                Error(group.Values.At("key"), $"The keys '{same}' and '{group.Name}' are the same 32 bytes: sealing with one after the "
                    + "other would change nothing. Make another, or keep one id.");
            else if (GroupReader.IsName(group.Name))
            {
                seen.Add((group.Name, bytes[..length]));
                keys.Add(new(group.Name, bytes.AsSpan(0, length)));
            }
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
            TokenUrl = values.Get<Uri?>("token_url", null),
            ClientId = Secret(values, "client_id"),
            ClientSecret = Secret(values, "client_secret"),
            Scope = Secret(values, "scope"),
            Audience = Secret(values, "audience"),
            SecretInForm = values.Get("client_auth", "basic") == "form",
        };
        var tokens = Array.Exists(TokenKeys, values.Has);
        var ways = (auth.Bearer is null ? 0 : 1) + (auth.User is null && auth.Password is null ? 0 : 1)
            + (auth.Header is null && auth.Value is null ? 0 : 1) + (tokens ? 1 : 0);
        if (values.HasWrong)
            return auth; // What would be said about the whole follows from what is wrong in it.
        if (ways != 1 || (auth.User is null) != (auth.Password is null) || (auth.Header is null) != (auth.Value is null)
            || (tokens && (auth.TokenUrl is null || auth.ClientId is null || auth.ClientSecret is null)))
            Error(values.Mark, "'auth' is one of bearer, user with password, header with value, or token_url with client_id and "
                + "client_secret.");
        else if (auth.User?.Contains(':', StringComparison.Ordinal) == true)
            Error(values.At("user"), "'user' holds a colon, which ends the name in Basic authentication.");
        else if (auth.Header is { } name && (!HeaderRules.IsName(name) || HeaderRules.IsOurs(name)))
            Error(values.At("header"), $"'{name}' is no name of a header, or one that the relay sets itself.");
        else if (headers.ContainsKey(auth.Carried().Name))
            Error(values.Mark, $"The header '{auth.Carried().Name}' stands in headers too. Keep one of them.");
        if (auth.TokenUrl is { Scheme: "http", IsLoopback: false })
            warnings.Add(new(values.At("token_url").File, values.At("token_url").Line, values.At("token_url").Column,
                "token_url begins with http://: client_secret and the tokens go over the network for all to read."));
        return auth;
    }

    private static readonly string[] TokenKeys = ["token_url", "client_id", "client_secret", "scope", "audience", "client_auth"];

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
        if (values.Lacks("secret"))
            Error(values.Mark, "'sign' needs secret: what the relay and the service share.");
        foreach (var secret in secrets.Where(secret => DeliverySigner.ReadSecret(secret.Text) is null))
            Error(secret.Mark, "A secret is whsec_ and base64, or a text, of at least 16 bytes. Make one with: openssl rand -base64 32.");
        return [.. secrets.Select(secret => secret.Text)];
    }
}
