using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace Recourse.Server.Dashboard;

// A file that is part of the assembly. Its address has a hash of its content in it, so browsers may keep it for ever and a new release is
// fetched at once.
internal sealed class Asset
{
    public static readonly Asset Style = new("dashboard.css", "text/css; charset=utf-8");
    public static readonly Asset Script = new("dashboard.js", "text/javascript; charset=utf-8");

    private readonly byte[] _content;
    private readonly string _contentType;

    private Asset(string name, string contentType)
    {
        using var stream = typeof(Asset).Assembly.GetManifestResourceStream($"Recourse.Server.Dashboard.Assets.{name}")
            ?? throw new InvalidOperationException(
                $"The dashboard's file '{name}' is missing from {typeof(Asset).Assembly.GetName().Name}; build it again.");
        _content = new byte[stream.Length];
        stream.ReadExactly(_content);
        _contentType = contentType;
        var hash = Convert.ToHexStringLower(SHA256.HashData(_content).AsSpan(0, 8));
        FileName = $"{Path.GetFileNameWithoutExtension(name)}.{hash}{Path.GetExtension(name)}";
    }

    public string FileName { get; }

    public static IResult Serve(HttpContext http, string file)
    {
        var asset = file == Style.FileName ? Style : file == Script.FileName ? Script : null;
        if (asset is null)
            return Results.NotFound();
        http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return Results.Bytes(asset._content, asset._contentType);
    }
}
