using System.Text;
using Recourse.Durable;
using Recourse.Tests;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>Fills a store the way a relay does, command by command, and moves the clock as time would pass.</summary>
internal sealed class Scene(MessageStore store, ManualClock clock)
{
    public static readonly Classification Unavailable = Fault(FaultKind.ServiceUnavailable, Persistence.Transient, Blame.Service,
        "http 503");
    public static readonly Classification Refused = Fault(FaultKind.ConnectionRefused, Persistence.Transient, Blame.Service,
        "socket ConnectionRefused");
    public static readonly Classification Invalid = Fault(FaultKind.ValidationError, Persistence.Permanent, Blame.Message, "http 422");
    public static readonly Classification TimedOut = Fault(FaultKind.Timeout, Persistence.Transient, Blame.Service,
        "timeout") with
    { Applied = Applied.Maybe };

    public ManualClock Clock { get; } = clock;

    public async Task<DeliveryId> SendAsync(
        string queue, string service, string body = """{"order":1001,"total":12.50}""", string? key = null,
        string contentType = "application/json", Dictionary<string, string>? headers = null)
    {
        var result = await store.CommitAsync(new EnqueueCommand(new()
        {
            Queue = queue,
            Services = [service],
            Body = Encoding.UTF8.GetBytes(body),
            ContentType = contentType,
            OrderKey = key,
            Headers = headers,
        }));
        return new(result.MessageId, 0);
    }

    /// <summary>One failed attempt; <paramref name="delay"/> null makes it a dead letter.</summary>
    public async Task FailAsync(string service, Classification fault, string error, string? status, TimeSpan? delay, string reason)
    {
        var claim = await ClaimAsync(service);
        var started = Clock.GetUtcNow();
        Clock.Advance(TimeSpan.FromMilliseconds(214));
        var decision = delay is { } wait
            ? new DeliveryDecision(DeliveryAction.Retry, Clock.GetUtcNow() + wait, reason, wait)
            : new DeliveryDecision(DeliveryAction.DeadLetter, null, reason);
        var attempt = new Attempt
        {
            Number = claim.Attempt,
            StartedAt = started,
            DurationMs = 214,
            Outcome = "failed",
            Kind = fault.Kind,
            Status = status,
            Error = error,
            Node = "relay-1",
        };
        Assert.True(await store.CommitAsync(new FailCommand(claim.Id, claim.Lease, attempt, fault, decision)));
    }

    public async Task DeliverAsync(string service)
    {
        var claim = await ClaimAsync(service);
        var started = Clock.GetUtcNow();
        Clock.Advance(TimeSpan.FromMilliseconds(38));
        var attempt = new Attempt
        {
            Number = claim.Attempt,
            StartedAt = started,
            DurationMs = 38,
            Outcome = "delivered",
            Status = "201",
            Node = "relay-1",
        };
        Assert.True(await store.CommitAsync(new CompleteCommand(claim.Id, claim.Lease, attempt)));
    }

    public async Task<ClaimedDelivery> ClaimAsync(string service) =>
        Assert.Single((await store.CommitAsync(new ClaimCommand(service, 1, "relay-1"))).Deliveries);

    public async Task<DeliveryId> DeadAsync(
        string queue = "incoming-orders", string service = "fhir-server",
        string error = "422 Unprocessable Content: total must be a number",
        string body = """{"order":1001,"total":"12.50"}""", string? key = null)
    {
        var id = await SendAsync(queue, service, body, key, headers: new() { ["x-source"] = "web-shop", ["x-tenant"] = "north" });
        await FailAsync(service, Invalid, error, "422", null, "permanent fault http 422: trying again cannot help");
        return id;
    }

    /// <summary>A bad night: four services, one of them away, dead letters of several kinds, a long history.</summary>
    public async Task<DeliveryId> BadNightAsync(KnownServices services)
    {
        services.Statuses.AddRange(
        [
            new("billing", "closed", default, 2, 10, 0, null),
            new("fhir-server", "open", TimeSpan.FromSeconds(12), 0, 10, 7, "503 Service Unavailable (Retry-After: 30)"),
            new("ledger", "half_open", default, 1, 4, 3, "Connection reset by peer (127.0.0.1:9003)"),
            new("mailer", "closed", default, 4, 5, 2, "Timeout after 5,000 ms"),
        ]);
        services.Configured.AddRange(["incoming-orders", "invoices", "newsletters"]);
        for (var sent = 0; sent < 40; sent++)
        {
            await SendAsync("incoming-orders", "billing");
            await DeliverAsync("billing");
        }
        var patient = await SendAsync("incoming-orders", "fhir-server", Bundle, "patient-4711", "application/fhir+json",
            new() { ["x-source"] = "ward-3" });
        for (var attempt = 1; attempt <= 31; attempt++)
        {
            var wait = TimeSpan.FromSeconds(Math.Min(300, Math.Pow(2, attempt)));
            await FailAsync("fhir-server", attempt % 4 == 0 ? Refused : Unavailable,
                attempt % 4 == 0 ? "Connection refused (127.0.0.1:9001)" : "503 Service Unavailable: the database is restarting",
                attempt % 4 == 0 ? null : "503",
                wait, $"service fault, retry {attempt} in {wait.TotalSeconds} s, gives up at 24 h");
            Clock.Advance(wait);
        }
        await FailAsync("fhir-server", Unavailable, "503 Service Unavailable: the database is restarting", "503", null,
            "service fault for 24 h, the max_age of incoming-orders");
        for (var letter = 0; letter < 7; letter++)
        {
            await DeadAsync(error: $"422 Unprocessable Content: line {letter + 3}: total must be a number",
                key: letter % 2 == 0 ? $"customer-{letter}" : null);
            Clock.Advance(TimeSpan.FromSeconds(71));
        }
        await DeadAsync("invoices", "ledger", "422 Unprocessable Content: the period 2026-02 is closed");
        for (var live = 0; live < 6; live++)
        {
            await SendAsync("incoming-orders", "fhir-server");
            await FailAsync("fhir-server", Unavailable, "503 Service Unavailable (Retry-After: 30)", "503",
                TimeSpan.FromSeconds(30 + (live * 20)),
                $"service fault, Retry-After of {30 + (live * 20)} s followed, gives up at 24 h");
        }
        await SendAsync("invoices", "ledger");
        await FailAsync("ledger", TimedOut, "Timeout after 5,000 ms", null, TimeSpan.FromMilliseconds(300),
            "service fault, retry 1 in 300 ms, gives up at 24 h");
        for (var waiting = 0; waiting < 12; waiting++)
            await SendAsync("incoming-orders", "fhir-server");
        await SendAsync("invoices", "mailer");
        await ClaimAsync("mailer");
        Clock.Advance(TimeSpan.FromSeconds(9));
        return patient;
    }

    private const string Bundle = """
        {"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:7c0e","resource":{"resourceType":"Patient",
        "id":"4711","name":[{"family":"Grünwald","given":["Änne"]}],"birthDate":"1957-04-01"},
        "request":{"method":"PUT","url":"Patient/4711"}}],"total":1.50}
        """;

    private static Classification Fault(FaultKind kind, Persistence persistence, Blame blame, string evidence) => new()
    {
        Kind = kind,
        Persistence = persistence,
        Scope = RetryScope.Call,
        Applied = Applied.No,
        Blame = blame,
        Evidence = evidence,
    };
}
