using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Recourse.Durable;
using Recourse.Server.Tests.Configuration;
using Recourse.Tests;

namespace Recourse.Server.Tests;

/// <summary>Who the relay is to its services, and whom it believes; certificates of the listener.</summary>
public sealed class ServiceDoorTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static ClaimedDelivery Delivery() => TestDelivery.Plain with
    {
        Headers = new Dictionary<string, string>
        {
            ["authorization"] = "of the sender",
            ["webhook-signature"] = "forged",
            ["x-api-key"] = "forged"
        },
        Body = "{\"test\": 2432232314}"u8.ToArray(),
    };

    private static async Task<RawRequest> SentAsync(string service, TimeProvider? time = null)
    {
        await using var server = ScriptedServer.Says(Ok);
        var loaded = RelayConfiguration.Parse(
            $"services:\n  shop: {{ url: \"{server.Url}\", allow_headers: [webhook-signature, x-api-key], {service} }}");
        Assert.Empty(loaded.Errors);
        using var delivery = new HttpDelivery(Relay.Targets(loaded.Configuration!), time);
        var result = await delivery.DeliverAsync(Delivery(), Token);
        Assert.Null(result.Fault);
        return await server.RequestAsync();
    }

    [Theory]
    [InlineData("auth: { bearer: abc }", "Authorization", "Bearer abc")]
    [InlineData("auth: { user: me, password: \"pä:ss\" }", null, null)]
    [InlineData("auth: { user: me, password: \"p:w\" }", "Authorization", "Basic bWU6cDp3")]
    [InlineData("auth: { header: X-Api-Key, value: s3 }", "X-Api-Key", "s3")]
    public async Task The_relay_shows_who_it_is_and_the_sender_cannot(string auth, string? name, string? value)
    {
        if (name is null)
        {
            Assert.Contains("visible characters", Assert.Single(RelayConfiguration.Parse($"services: {{ shop: {{ {auth} }} "
                + $"}}").Errors).Message,
                StringComparison.Ordinal);
            return;
        }
        Assert.Equal(value, (await SentAsync(auth))[name]);
    }

    [Theory]
    [InlineData("auth: {}", "one of bearer")]
    [InlineData("auth: { bearer: a, user: b, password: c }", "one of bearer")]
    [InlineData("auth: { user: b }", "one of bearer")]
    [InlineData("auth: { header: Host, value: b }", "sets itself")]
    [InlineData("auth: { bearer: a }, headers: { authorization: b }", "headers too")]
    [InlineData("sign: { secret: short }", "16 bytes")]
    [InlineData("sign: { secret: \"whsec_!!\" }", "16 bytes")]
    [InlineData("sign: {}", "needs secret")]
    [InlineData("tls: { ca_file: nowhere.pem }", "cannot be used")]
    [InlineData("tls: { key: nowhere.pem }", "belongs to a certificate")]
    public void What_cannot_be_meant_is_refused_and_no_secret_is_shown(string service, string says)
    {
        var error = Assert.Single(RelayConfiguration.Parse($"services: {{ shop: {{ {service} }} }}").Errors);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("short", error.Message, StringComparison.Ordinal);
    }

    // The example that the libraries of Standard Webhooks share.
    [Fact]
    public void A_signature_is_as_standard_webhooks_has_it() => Assert.Equal(
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        new DeliverySigner(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
            .Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, "{\"test\": 2432232314}"u8));

    [Fact]
    public async Task A_receiver_verifies_a_signed_delivery_with_either_secret_while_it_changes()
    {
        var clock = new ManualClock();
        var request = await SentAsync("sign: { secret: [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\", an old secret of some length] }",
            clock);
        var (id, time, signatures) = (request["webhook-id"]!, request["webhook-timestamp"]!, request["webhook-signature"]!.Split(' '));
        Assert.Equal("01900000-0000-7000-8000-000000000001.0", id);
        Assert.Equal(clock.GetUtcNow().ToUnixTimeSeconds(), long.Parse(time, System.Globalization.CultureInfo.InvariantCulture));
        byte[][] secrets = [Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "an old secret of some length"u8.ToArray()];
        var signed = Encoding.UTF8.GetBytes($"{id}.{time}.").Concat(request.Body).ToArray();
        Assert.Equal(secrets.Select(secret => "v1," + Convert.ToBase64String(HMACSHA256.HashData(secret, signed))), signatures);
        signed[^1] ^= 1;
        Assert.NotEqual("v1," + Convert.ToBase64String(HMACSHA256.HashData(secrets[0], signed)), signatures[0]);
    }

    [Fact]
    public void No_secret_stands_in_what_a_configuration_says_of_itself()
    {
        var loaded = RelayConfiguration.Parse("services: { shop: { auth: { bearer: s3cret-token }, sign: { secret: "
            + "a-secret-of-some-length } } }");
        Assert.DoesNotContain("secret", loaded.Configuration!.Services["shop"].ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", loaded.Configuration.Services["shop"].Auth!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_of_a_private_authority_is_believed_and_gets_the_relays_certificate()
    {
        using var folder = new Folder();
        using var authority = new TestAuthority();
        folder.Write("ca.pem", authority.Pem);
        folder.Write("client.pem", authority.Issue("relay").Pem);
        var server = authority.Issue("127.0.0.1");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var seen = new TaskCompletionSource<string>();
        var serving = Task.Run(async () =>
        {
            for (var i = 0; i < 2; i++)
            {
                using var socket = await listener.AcceptSocketAsync(Token);
                await using var stream = new SslStream(new NetworkStream(socket), false, (_, certificate, _, _) =>
                {
                    if (certificate is not null)
                        seen.TrySetResult(certificate.Subject);
                    return certificate is null or { Issuer: "CN=test authority" };
                });
                try
                {
                    await stream.AuthenticateAsServerAsync(new()
                    {
                        ServerCertificate = server.Certificate,
                        ClientCertificateRequired = true
                    }, Token);
                    await stream.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, Token);
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok), Token);
                }
                catch (Exception error) when (error is IOException or System.Security.Authentication.AuthenticationException)
                {
                    // The one that does not believe the authority hangs up.
                }
            }
        }, Token);
        var url = $"https://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/";
        async Task<DeliveryResult> SendAsync(string tls)
        {
            var loaded = RelayConfiguration.Parse($"services:\n  shop: {{ url: \"{url}\"{tls} }}", folder.Path("recourse.yaml"));
            Assert.Empty(loaded.Errors);
            using var delivery = new HttpDelivery(Relay.Targets(loaded.Configuration!));
            return await delivery.DeliverAsync(Delivery(), Token);
        }
        Assert.Equal(FaultKind.TlsFailure, (await SendAsync("")).Fault?.Kind);
        Assert.Null((await SendAsync(", tls: { ca_file: ca.pem, certificate: client.pem }")).Fault);
        Assert.Equal("CN=relay", await seen.Task);
        await serving;
    }

    [Fact]
    public async Task An_https_listener_shows_its_certificate_and_a_renewed_one_without_a_restart()
    {
        using var folder = new Folder();
        using var authority = new TestAuthority();
        folder.Write("relay.pem", authority.Issue("127.0.0.1").Pem);
        var clock = new ManualClock();
        var loaded = RelayConfiguration.Parse(
            TestRelay.Basic.Replace("http://127.0.0.1:0", "https://127.0.0.1:0", StringComparison.Ordinal)
                + "\ntls: { certificate: relay.pem }",
            folder.Path("recourse.yaml"));
        Assert.Empty(loaded.Errors);
        await using var relay = await TestRelay.StartAsync(loaded.Configuration!, time: clock);
        var first = await ShownAsync(relay.Host.Addresses[0]);
        folder.Write("relay.pem", authority.Issue("127.0.0.1").Pem);
        File.SetLastWriteTimeUtc(folder.Path("relay.pem"), clock.GetUtcNow().UtcDateTime.AddDays(1));
        Assert.Equal(first, await ShownAsync(relay.Host.Addresses[0]));
        clock.Advance(TimeSpan.FromSeconds(10));
        var second = await ShownAsync(relay.Host.Addresses[0]);
        Assert.NotEqual(first, second);
        folder.Write("relay.pem", "nonsense");
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(second, await ShownAsync(relay.Host.Addresses[0]));

        async Task<string> ShownAsync(Uri address)
        {
            string? serial = null;
            using var http = new HttpClient(new SocketsHttpHandler
            {
                SslOptions = new()
                {
                    RemoteCertificateValidationCallback = (_, certificate, _, _) =>
                    {
                        serial = certificate!.GetSerialNumberString();
                        return certificate.Issuer == "CN=test authority";
                    },
                },
            });
            using var answer = await http.GetAsync(new Uri(address, "/health/live"), Token);
            Assert.Equal(200, (int)answer.StatusCode);
            return serial!;
        }
    }

    [Fact]
    public async Task An_https_listener_shows_what_stands_between_its_certificate_and_the_authority()
    {
        using var folder = new Folder();
        using var authority = new TestAuthority();
        using var between = new TestAuthority("between", authority);
        folder.Write("relay.pem", between.Issue("127.0.0.1").Pem + "\n" + between.Pem);
        var loaded = RelayConfiguration.Parse(
            TestRelay.Basic.Replace("http://127.0.0.1:0", "https://127.0.0.1:0", StringComparison.Ordinal)
                + "\ntls: { certificate: relay.pem }",
            folder.Path("recourse.yaml"));
        await using var relay = await TestRelay.StartAsync(loaded.Configuration!);
        // Whoever connects knows the authority and nothing else.
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            CustomTrustStore = { X509Certificate2.CreateFromPem(authority.Pem) },
        };
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = new() { CertificateChainPolicy = policy } });
        using var answer = await http.GetAsync(new Uri(relay.Host.Addresses[0], "/health/live"), Token);
        Assert.Equal(200, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("listen: https://127.0.0.1:0", "needs tls")]
    [InlineData("listen: https://127.0.0.1:0\ntls: { certificate: nowhere.pem }", "cannot be used")]
    [InlineData("tls: { key: a.pem }", "needs certificate")]
    public void A_listener_without_a_usable_certificate_is_refused(string yaml, string says) =>
        Assert.Contains(says, Assert.Single(RelayConfiguration.Parse(yaml).Errors).Message, StringComparison.Ordinal);

    /// <summary>A certificate authority of one test.</summary>
    private sealed class TestAuthority : IDisposable
    {
        private readonly X509Certificate2 _root;
        private int _issued;

        public TestAuthority(string name = "test authority", TestAuthority? above = null)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            var (from, to) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(2));
            if (above is null)
            {
                _root = request.CreateSelfSigned(from, to);
                return;
            }
            using var bare = request.Create(above._root, from, to, [9]);
            _root = bare.CopyWithPrivateKey(key);
        }

        public string Pem => _root.ExportCertificatePem();

        public (X509Certificate2 Certificate, string Pem) Issue(string name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            if (IPAddress.TryParse(name, out var address))
                names.AddIpAddress(address);
            else
                names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            using var bare = request.Create(_root, TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1),
                [1, 2, 3, (byte)++_issued]);
            using var whole = bare.CopyWithPrivateKey(key);
            return (X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null),
                whole.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());
        }

        public void Dispose() => _root.Dispose();
    }
}
