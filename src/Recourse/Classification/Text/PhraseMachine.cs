namespace Recourse.Phrases;

/// <summary>
/// Finds the weightiest of many phrases in one pass over a text (Aho-Corasick). The text is read as words: letters in lower case, anything
/// else one blank, and CamelCase or SNAKE_CASE names as the words they are made of, so "TooManyRequests" reads "too many requests".
/// </summary>
internal sealed class PhraseMachine
{
    private const int Blank = 26;
    private const int Digit = 27;
    private const int Symbols = 28;
    private const short None = -1;

    private readonly short[] _next;
    private readonly short[] _found;
    private readonly int[] _weights;

    internal PhraseMachine(IReadOnlyList<(string Phrase, int Weight)> phrases)
    {
        var goTo = new List<short[]>();
        var found = new List<short>();
        _weights = [.. phrases.Select(phrase => phrase.Weight)];
        NewState();
        for (var i = 0; i < phrases.Count; i++) Insert(phrases[i].Phrase, (short)i);
        Link(goTo, found);
        _next = [.. goTo.SelectMany(row => row)];
        _found = [.. found];

        short NewState()
        {
            var row = new short[Symbols];
            Array.Fill(row, None);
            goTo.Add(row);
            found.Add(None);
            return checked((short)(goTo.Count - 1));
        }

        void Insert(string phrase, short index)
        {
            var open = phrase.EndsWith('*');
            short state = 0;
            foreach (var c in open ? $" {phrase[..^1]}" : $" {phrase} ")
            {
                var symbol = Symbol(c);
                if (goTo[state][symbol] == None) goTo[state][symbol] = NewState();
                state = goTo[state][symbol];
            }

            found[state] = Better(found[state], index);
        }
    }

    /// <summary>The number of the weightiest phrase in the text, the first of several that weigh the same; -1 when none is in it.</summary>
    internal int Find(ReadOnlySpan<char> text)
    {
        var best = None;
        var state = Step(0, Blank, ref best);
        var wasBlank = true;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (!char.IsAsciiLetterOrDigit(c))
            {
                if (!wasBlank) state = Step(state, Blank, ref best);
                wasBlank = true;
                continue;
            }

            if (!wasBlank && char.IsAsciiLetterUpper(c) && StartsWord(text, i)) state = Step(state, Blank, ref best);
            wasBlank = false;
            state = Step(state, Symbol(c), ref best);
        }

        if (!wasBlank) Step(state, Blank, ref best);
        return best;
    }

    // "timedOut" splits before the O; "TCPReset" before the R, because a small letter follows it.
    private static bool StartsWord(ReadOnlySpan<char> text, int at) =>
        !char.IsAsciiLetterUpper(text[at - 1]) || (at + 1 < text.Length && char.IsAsciiLetterLower(text[at + 1]));

    private int Step(int state, int symbol, ref short best)
    {
        var next = _next[(state * Symbols) + symbol];
        var found = _found[next];
        if (found != None && (best == None || _weights[found] > _weights[best])) best = found;
        return next;
    }

    private static int Symbol(char c) => char.IsAsciiLetter(c) ? (c | 0x20) - 'a' : char.IsAsciiDigit(c) ? Digit : Blank;

    private short Better(short left, short right) =>
        left == None ? right : right == None || _weights[left] >= _weights[right] ? left : right;

    // Breadth first: the failure link of a state is known before its children are visited, and is folded into the table.
    private void Link(List<short[]> goTo, List<short> found)
    {
        var failure = new short[goTo.Count];
        var queue = new Queue<short>();
        for (var symbol = 0; symbol < Symbols; symbol++)
        {
            if (goTo[0][symbol] == None) goTo[0][symbol] = 0;
            else queue.Enqueue(goTo[0][symbol]);
        }

        while (queue.TryDequeue(out var state))
        {
            found[state] = Better(found[state], found[failure[state]]);
            for (var symbol = 0; symbol < Symbols; symbol++)
            {
                var fallback = goTo[failure[state]][symbol];
                var child = goTo[state][symbol];
                if (child == None)
                {
                    goTo[state][symbol] = fallback;
                    continue;
                }

                failure[child] = fallback;
                queue.Enqueue(child);
            }
        }
    }
}
