using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Recourse.Server.Tests.Cli;

/// <summary>
/// The other end of the HTTP contract for tests of the client: answers what the script says, in its order, and then as a relay that takes
/// everything. It stores under idempotency keys, so a test sees what a client that repeats itself leaves behind.
/// </summary>
internal sealed class ScriptedRelay : IAsyncDisposable
{
    private readonly WebApplication _application;
    private readonly Queue<Func<HttpContext, string, Task>> _script;
    private readonly Lock _gate = new();

    private ScriptedRelay(WebApplication application, IEnumerable<Func<HttpContext, string, Task>> script) =>
        (_application, _script) = (application, new(script));

    public Uri Address => new(_application.Urls.First());

    /// <summary>The bodies that were stored, by idempotency key.</summary>
    public ConcurrentDictionary<string, string> Stored { get; } = new();

    /// <summary>How many requests came.</summary>
    public int Requests;

    public static async Task<ScriptedRelay> StartAsync(params Func<HttpContext, string, Task>[] script)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        var application = builder.Build();
        var relay = new ScriptedRelay(application, script);
        application.Run(relay.HandleAsync);
        await application.StartAsync();
        return relay;
    }

    public static Func<HttpContext, string, Task> Refuse(int status, string detail, int? retryAfter = null) => async (http, _) =>
    {
        http.Response.StatusCode = status;
        if (retryAfter is { } seconds) http.Response.Headers.RetryAfter = $"{seconds}";
        http.Response.ContentType = "application/problem+json";
        await http.Response.WriteAsync(JsonSerializer.Serialize(new { title = "No", detail, status }));
    };

    /// <summary>Stores what came and cuts the connection instead of answering.</summary>
    public Func<HttpContext, string, Task> StoreAndHangUp => (http, body) =>
    {
        Take(body);
        http.Abort();
        return Task.CompletedTask;
    };

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task HandleAsync(HttpContext http)
    {
        Interlocked.Increment(ref Requests);
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        Func<HttpContext, string, Task>? next;
        lock (_gate) _script.TryDequeue(out next);
        if (next is not null) await next(http, body);
        else await http.Response.WriteAsync(string.Concat(Take(body)));
    }

    /// <summary>Stores the lines of a batch and gives the answer to each.</summary>
    public IEnumerable<string> Take(string batch)
    {
        var index = 0;
        return [.. batch.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            var envelope = JsonDocument.Parse(line).RootElement;
            var key = envelope.GetProperty("idempotency_key").GetString()!;
            var body = Encoding.UTF8.GetString(envelope.GetProperty("body_base64").GetBytesFromBase64());
            var duplicate = !Stored.TryAdd(key, body);
            return JsonSerializer.Serialize(new { index = index++, status = 202, id = key, duplicate }) + "\n";
        })];
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
