namespace Recourse.Server;

/// <summary>Where and how the deliveries of one service are sent over HTTP. Read from the configuration, checked there.</summary>
internal sealed record ServiceTarget
{
    /// <summary>The service's name.</summary>
    public required string Name { get; init; }

    /// <summary>The address; http or https. Null for a service that has none: its deliveries wait.</summary>
    public required Uri? Url { get; init; }

    /// <summary>The method. Default POST.</summary>
    public string Method { get; init; } = "POST";

    /// <summary>Headers that every delivery carries, authorization of our own included. Default none.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Statuses that mean delivered, as ranges with both ends included. Default 200 to 299.</summary>
    public IReadOnlyList<(int From, int To)> SuccessStatuses { get; init; } = [(200, 299)];

    /// <summary>Who the relay is to the service. Default: not said.</summary>
    public ServiceAuth? Auth { get; init; }

    /// <summary>How long an access token is waited for, where <see cref="Auth"/> needs one. Default 10 s.</summary>
    public TimeSpan TokenPatience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Signs each delivery. Default: none.</summary>
    public DeliverySigner? Signer { get; init; }

    /// <summary>Authorities and certificate for https. Default: the machine's, none.</summary>
    public ServiceTls? Tls { get; init; }

    /// <summary>Headers of the sender that go on, besides CloudEvents <c>ce-*</c>. Default none. What belongs to the sender's connection
    /// or login never goes on.</summary>
    public IReadOnlyList<string> AllowedHeaders { get; init; } = [];

    internal bool IsSuccess(int status)
    {
        foreach (var (from, to) in SuccessStatuses)
        {
            if (status >= from && status <= to) return true;
        }

        return false;
    }
}
