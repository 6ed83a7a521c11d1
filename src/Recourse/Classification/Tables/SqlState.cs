namespace Recourse.Tables;

/// <summary>A SQLSTATE as a number: five characters of six bits, so that the codes of a family fit a table of integers.</summary>
internal static class SqlState
{
    /// <summary>What is no SQLSTATE: not five characters, or another sign than a letter or digit among them.</summary>
    internal const int None = 0;

    internal static int Pack(ReadOnlySpan<char> state)
    {
        if (state.Length != 5) return None;
        var packed = 0;
        foreach (var c in state)
        {
            // Digits are 1 to 10, letters 11 to 36, whatever their case.
            var digit = c - '0';
            var letter = (c | 0x20) - 'a';
            if ((uint)digit < 10) packed = (packed << 6) | (digit + 1);
            else if ((uint)letter < 26 && c < 128) packed = (packed << 6) | (letter + 11);
            else return None;
        }

        return packed;
    }
}
