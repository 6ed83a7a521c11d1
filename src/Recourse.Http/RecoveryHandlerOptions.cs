namespace Recourse;

/// <summary>How the requests of an <see cref="HttpClient"/> are protected.</summary>
public sealed record RecoveryHandlerOptions
{
    /// <summary>
    /// Adds the strategies, outermost first. Default null: a deadline of 30 s, retry, a circuit breaker (half of at least 20 requests in
    /// 30 s failing), and 10 s for each attempt. Called once for each authority.
    /// </summary>
    public Action<PipelineBuilder>? Configure { get; init; }

    /// <summary>
    /// Adds rules to the classifier, before the one for responses: 5xx, 408 and 429 are failures, and a gRPC status among the headers that
    /// speaks against the service; everything else is a success. Default null.
    /// </summary>
    public Action<FaultRules>? Classify { get; init; }

    /// <summary>
    /// Whether each scheme, host and port has a pipeline of its own, so that one server that fails does not open the breaker of another.
    /// Default true.
    /// </summary>
    public bool PerAuthority { get; init; } = true;

    /// <summary>
    /// Most authorities with a pipeline of their own. Default 256; from 1 to 65,536. All further ones share one more; none is ever
    /// forgotten, so an open breaker stays open.
    /// </summary>
    public int AuthoritiesMax { get; init; } = 256;

    /// <summary>
    /// Bodies up to this size are kept in memory so that they can be sent again. Default 1 MiB; from 0 to 1 GiB. A larger body, or one
    /// whose length is not known, is sent once, unless it is made of bytes or text, which can be sent again at any size.
    /// </summary>
    public int BufferedBytesMax { get; init; } = 1 << 20;

    /// <summary>The clock. Default null: the system's.</summary>
    public TimeProvider? Time { get; init; }

    internal RecoveryHandlerOptions Checked()
    {
        Within(AuthoritiesMax, 1, 65_536, nameof(AuthoritiesMax));
        Within(BufferedBytesMax, 0, 1 << 30, nameof(BufferedBytesMax));
        return this;
    }

    private static void Within(int value, int least, int most, string name)
    {
        if (value < least || value > most)
            throw new InvalidOptionsException($"RecoveryHandlerOptions.{name} is {value}; it must be from {least} to {most}.");
    }
}
