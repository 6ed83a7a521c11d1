using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text;

namespace Recourse.Server.Metrics;

/// <summary>How an instrument is shown.</summary>
internal enum InstrumentSort
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>One instrument with its series. The number of series is bounded: what comes beyond goes into one that says so.</summary>
internal sealed class InstrumentBook(string name, string help, InstrumentSort sort, bool observed)
{
    public const int MaxSeries = 1_000;

    /// <summary>Seconds, from 5 ms to a day: attempts and recoveries alike.</summary>
    public static readonly double[] Bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400];

    private readonly ConcurrentDictionary<string, Series> _series = new();

    public string Name => name;
    public string Help => help;
    public InstrumentSort Sort => sort;
    public bool Observed => observed;
    public IEnumerable<Series> Series => _series.Values.OrderBy(series => series.Labels, StringComparer.Ordinal);

    public void Measure(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = Labels(tags);
        if (!_series.TryGetValue(labels, out var series))
        {
            if (_series.Count >= MaxSeries)
                labels = "overflow=\"true\"";
            series = _series.GetOrAdd(labels, key => new(key, sort is InstrumentSort.Histogram ? Bounds : []));
        }
        if (sort is InstrumentSort.Histogram)
            series.Record(value);
        else if (observed)
            series.Set(value);
        else
            series.Add(value);
    }

    public void Unset()
    {
        foreach (var series in _series.Values)
            series.Unset();
    }

    private static string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
            return "";
        var text = new StringBuilder();
        foreach (var (key, value) in tags)
        {
            if (text.Length > 0)
                text.Append(',');
            text.Append(PrometheusText.Identifier(key)).Append("=\"");
            text.Append(PrometheusText.EscapeLabel(value?.ToString() ?? "")).Append('"');
        }
        return text.ToString();
    }
}

/// <summary>Listens to the meters of a relay and keeps what they measured.</summary>
internal sealed class MeterBook : IDisposable
{
    private const string Prefix = "recourse_";

    private readonly ConcurrentDictionary<string, InstrumentBook> _books = new();
    private readonly MeterListener _listener = new();

    public MeterBook(Func<Meter, bool> shown)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (shown(instrument.Meter))
                listener.EnableMeasurementEvents(instrument, _books.GetOrAdd(Name(instrument), name => BookOf(instrument, name)));
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, book) => ((InstrumentBook)book!).Measure(value, tags));
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, book) => ((InstrumentBook)book!).Measure(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, book) => ((InstrumentBook)book!).Measure(value, tags));
        _listener.Start();
    }

    /// <summary>Asks the observed instruments and shows all, by name.</summary>
    public IReadOnlyList<InstrumentBook> Read()
    {
        foreach (var book in _books.Values.Where(book => book.Observed))
            book.Unset();
        _listener.RecordObservableInstruments();
        return [.. _books.Values.OrderBy(book => book.Name, StringComparer.Ordinal)];
    }

    // The library's names have the prefix already. Where relay and library measure the same, the two are one name with other labels.
    private static string Name(Instrument instrument) =>
        instrument.Name.StartsWith(Prefix, StringComparison.Ordinal) ? instrument.Name[Prefix.Length..] : instrument.Name;

    private static InstrumentBook BookOf(Instrument instrument, string name)
    {
        var type = instrument.GetType();
        var kind = type.IsGenericType ? type.GetGenericTypeDefinition() : type;
        return new(PrometheusText.Identifier(name), instrument.Description ?? instrument.Name,
            kind == typeof(Histogram<>) ? InstrumentSort.Histogram
            : kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>) ? InstrumentSort.Counter : InstrumentSort.Gauge,
            instrument.IsObservable);
    }

    public void Dispose() => _listener.Dispose();
}
