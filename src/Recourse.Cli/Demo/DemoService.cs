using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Recourse.Cli.Demo;

/// <summary>What a service does with one request.</summary>
internal readonly record struct Plan
{
    /// <summary>The status it answers; 0 resets the connection.</summary>
    public int Status { get; init; }

    /// <summary>The message is applied: counted as arrived, whatever is answered.</summary>
    public bool Apply { get; init; }

    /// <summary>Reset before the body is read.</summary>
    public bool BeforeReading { get; init; }

    /// <summary>Seconds for a Retry-After header; null sends none.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>How long it thinks before it applies and answers.</summary>
    public TimeSpan Delay { get; init; }

    public static Plan Accept => new() { Status = 200, Apply = true };
    public static Plan ResetBeforeReading => new() { BeforeReading = true };
    public static Plan ApplyAndLoseTheAnswer => new() { Apply = true };
    public static Plan Refuse(int status, int? retryAfter = null) => new() { Status = status, RetryAfter = retryAfter };
    public static Plan AcceptAfter(TimeSpan delay) => new() { Status = 200, Apply = true, Delay = delay };
}

/// <summary>
/// A service on loopback that does as it is told and notes in the ledger what it applied. An answer that took nearly as long as
/// <paramref name="callerTimeout"/> counts as lost: the caller may have given up while it was on its way.
/// </summary>
internal sealed class DemoService(string name, Ledger ledger, TimeSpan callerTimeout, Func<string, Plan> plan) : IAsyncDisposable
{
    private WebApplication? _application;

    /// <summary>The name in the relay's configuration.</summary>
    public string Name { get; } = name;

    /// <summary>The port; fixed by the first start or reservation, and kept when the service goes down and comes back.</summary>
    public int Port { get; private set; }

    /// <summary>The address for the relay's configuration.</summary>
    public string Url => $"http://127.0.0.1:{Port}/";

    public bool IsUp => _application is not null;

    /// <summary>Begins to listen.</summary>
    public async Task StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Listen(IPAddress.Loopback, Port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        // Ctrl-C is the command's business, not that of each service.
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.Zero);
        var application = builder.Build();
        application.Run(HandleAsync);
        await application.StartAsync();
        Port = new Uri(application.Urls.First()).Port;
        _application = application;
    }

    /// <summary>Goes down: connections are refused until the next start.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _application, null) is not { } application) return;
        await application.StopAsync(new CancellationToken(canceled: true));
        await application.DisposeAsync();
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task HandleAsync(HttpContext context)
    {
        var arrival = ledger.Arrive();
        var messageId = context.Request.Headers["Recourse-Message-Id"].ToString();
        var doing = plan(messageId);
        if (doing.BeforeReading)
        {
            Reset(context);
            return;
        }
        using var body = new MemoryStream();
        try
        {
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            return;
        }
        if (doing.Delay > TimeSpan.Zero) await Task.Delay(doing.Delay, ledger.Clock);
        if (!doing.Apply)
        {
            await AnswerAsync(context, doing);
            return;
        }
        var effect = ledger.Apply(arrival, Name, messageId, context.Request.Headers["Recourse-Delivery-Id"].ToString(),
            context.Request.Headers["Idempotency-Key"].ToString(), body.GetBuffer().AsSpan(0, (int)body.Length),
            int.TryParse(context.Request.Headers["Recourse-Attempt"], out var attempt) ? attempt : 0);
        if (doing.Status is < 200 or > 299)
        {
            // Applied, but the relay cannot know it.
            await AnswerAsync(context, doing);
            ledger.Answer(effect, AnswerFate.Withheld);
            return;
        }
        var sent = await AnswerAsync(context, doing) && ledger.Clock.GetElapsedTime(arrival.At) < callerTimeout * 0.8;
        ledger.Answer(effect, sent ? AnswerFate.Sent : AnswerFate.CallerGone);
    }

    private static async Task<bool> AnswerAsync(HttpContext context, Plan doing)
    {
        if (doing.Status == 0)
        {
            Reset(context);
            return false;
        }
        if (context.RequestAborted.IsCancellationRequested) return false;
        context.Response.StatusCode = doing.Status;
        if (doing.RetryAfter is { } seconds) context.Response.Headers.RetryAfter = $"{seconds}";
        try
        {
            context.Response.ContentLength = 0;
            await context.Response.CompleteAsync();
            return !context.RequestAborted.IsCancellationRequested;
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    private static void Reset(HttpContext context)
    {
        // Without lingering, closing sends RST instead of FIN: the caller sees a reset connection, not an empty answer.
        if (context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket) socket.LingerState = new(true, 0);
        context.Abort();
    }

    private sealed class QuietLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
