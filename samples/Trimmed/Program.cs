using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Recourse;

// What a trimmed program relies on: types of exceptions by name, codes by driver, and an HttpClient that recovers.
var classifier = FaultClassifier.Default;
var refused = classifier.Classify(new HttpRequestException("x", new SocketException((int)SocketError.ConnectionRefused)));
Console.WriteLine($"socket: {refused.Kind}, {refused.Persistence} ({refused.Evidence})");
Console.WriteLine($"database: {classifier.Classify("postgres", "40P01")!.Kind}");
Console.WriteLine($"type: {classifier.Classify(new TimeoutException()).Kind}");
Console.WriteLine($"text: {classifier.ClassifyText("The service is busy, please retry later").Kind}");

var calls = 0;
var pipeline = new PipelineBuilder("trimmed")
    .Retry(new RetryOptions { MaxAttempts = 3, Backoff = Backoff.Constant(TimeSpan.FromMilliseconds(1)) })
    .CircuitBreaker()
    .Timeout(TimeSpan.FromSeconds(5))
    .Build();
var answer = await pipeline.ExecuteAsync(token => ++calls < 3
    ? throw new SocketException((int)SocketError.ConnectionRefused)
    : ValueTask.FromResult("done"));
Console.WriteLine($"pipeline: {answer} after {calls} calls");

// A server that answers 503 first and 200 then.
using var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
var served = ServeAsync(listener);
var services = new ServiceCollection();
services.AddHttpClient("shop").AddRecoveryHandler();
await using var provider = services.BuildServiceProvider();
using var client = provider.GetRequiredService<IHttpClientFactory>().CreateClient("shop");
var text = await client.GetStringAsync(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"));
Console.WriteLine($"http: {text} after {await served} requests");

static async Task<int> ServeAsync(TcpListener listener)
{
    string[] answers =
    [
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine",
    ];
    foreach (var answer in answers)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        var buffer = new byte[4096];
        _ = await stream.ReadAsync(buffer);
        await stream.WriteAsync(Encoding.ASCII.GetBytes(answer));
    }

    return answers.Length;
}
