using System.Globalization;

namespace Recourse.Durable;

/// <summary>Names one delivery: the message, and which of its services. Written <c>{message id}.{index}</c>.</summary>
/// <param name="MessageId">The message, a UUID of version 7.</param>
/// <param name="Index">The place of the service in the message's list, from 0.</param>
public readonly record struct DeliveryId(Guid MessageId, int Index)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{MessageId:D}.{Index}");

    /// <summary>Reads what <see cref="ToString"/> writes; false for anything else.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out DeliveryId id)
    {
        id = default;
        if (text.Length < 38 || text[36] != '.'
            || !Guid.TryParseExact(text[..36], "D", out var message)
            || !int.TryParse(text[37..], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            return false;
        id = new(message, index);
        return true;
    }
}
