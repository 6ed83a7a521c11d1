namespace Shop;

/// <summary>Where letters to customers go.</summary>
public interface IMail
{
    /// <summary>Sends one; the same key again is the same letter.</summary>
    ValueTask SendAsync(string to, string text, string key, CancellationToken cancellationToken);
}

/// <summary>Prints them, for trying the shop out.</summary>
public sealed class ConsoleMail : IMail
{
    public ValueTask SendAsync(string to, string text, string key, CancellationToken cancellationToken)
    {
        Console.WriteLine($"to {to}: {text}");
        return default;
    }
}
