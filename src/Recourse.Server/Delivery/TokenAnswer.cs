using System.Globalization;
using System.Text.Json;

namespace Recourse.Server;

/// <summary>
/// What a token endpoint answered, as RFC 6749 has it (5.1, 5.2): a token and how long it is used, or words about why there is none. Of an
/// answer only what its standard names is shown to people: the rest of it may be anything.
/// </summary>
internal readonly record struct TokenAnswer(string? Token, TimeSpan UsableFor, string Words)
{
    internal const int BytesMax = 64 * 1_024;
    private const int WordsMax = 300;

    /// <summary>Of a token that does not say how long it counts.</summary>
    internal static readonly TimeSpan Unsaid = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan LongestUse = TimeSpan.FromDays(1);
    private static readonly TimeSpan MarginMax = TimeSpan.FromMinutes(1);

    /// <summary>Reads an answer; 64 KiB at most.</summary>
    internal static async Task<TokenAnswer> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (status is >= 300 and < 400) return Without("redirects are not followed; set token_url to where it is.");
        var buffer = new byte[BytesMax + 1];
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken);
        if (length > BytesMax) return Without($"the answer has more than {BytesMax:N0} bytes.");
        try
        {
            using var document = JsonDocument.Parse(buffer.AsMemory(0, length));
            var answer = document.RootElement;
            return answer.ValueKind is not JsonValueKind.Object ? Without(status is 200 ? "the answer is no JSON object." : "")
                : status is 200 ? Given(answer) : Without(Refusal(answer));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return Without(status is 200 ? "the answer is no JSON." : "");
        }
    }

    private static TokenAnswer Given(JsonElement answer)
    {
        if (Text(answer, "access_token") is not { Length: > 0 } token) return Without("the answer has no access_token.");
        if (!HeaderRules.IsValue(token) || token.AsSpan().IndexOfAny(' ', '\t') >= 0)
            return Without("the access_token has characters that no header can carry, or is too long.");
        if (Text(answer, "token_type") is { } type && !type.Equals("Bearer", StringComparison.OrdinalIgnoreCase))
            return Without("the token_type is not Bearer, which is all that is known here.");
        return new(token, Use(answer), "");
    }

    // Shortly before its end, a fifth of its time at most, it is not used any more: an attempt takes time, and clocks differ.
    private static TimeSpan Use(JsonElement answer)
    {
        if (!answer.TryGetProperty("expires_in", out var value)) return Unsaid;
        var text = value.ValueKind is JsonValueKind.String ? value.GetString() : value.GetRawText();
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) || double.IsNaN(seconds))
            return Unsaid;
        var lasts = TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LongestUse.TotalSeconds));
        return lasts - (lasts / 5 < MarginMax ? lasts / 5 : MarginMax);
    }

    private static string Refusal(JsonElement answer)
    {
        var (error, about) = (Text(answer, "error"), Text(answer, "error_description"));
        var words = ResponseText.OneLine(about is null ? error ?? "" : $"{error}: {about}");
        return Dashboard.Wording.Shortened(words, WordsMax);
    }

    private static string? Text(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static TokenAnswer Without(string words) => new(null, default, words);
}
