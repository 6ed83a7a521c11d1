using Recourse;

// A service that refuses the first two connections. What is refused was never sent, so trying again is safe without saying so.
var calls = 0;
var pipeline = new PipelineBuilder("quickstart")
    .Retry(new RetryOptions { MaxAttempts = 4, Backoff = Backoff.Constant(TimeSpan.FromMilliseconds(10)) })
    .CircuitBreaker()
    .Timeout(TimeSpan.FromSeconds(2))
    .Build();

var answer = await pipeline.ExecuteAsync(token => ++calls < 3
    ? throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.ConnectionRefused)
    : ValueTask.FromResult("the answer"));
Console.WriteLine($"{answer} after {calls} calls");

// A rejected request stays rejected: it is tried once, and the outcome says what it was and why.
var outcome = await pipeline.TryExecuteAsync<string>(token =>
    throw new HttpRequestException("no such invoice", inner: null, System.Net.HttpStatusCode.NotFound));
Console.WriteLine($"{outcome.Classification?.Kind} ({outcome.Classification?.Evidence})");
