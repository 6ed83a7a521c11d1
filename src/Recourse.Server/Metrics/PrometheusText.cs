using System.Globalization;
using System.Text;

namespace Recourse.Server.Metrics;

/// <summary>Writes meters in the text format of Prometheus, version 0.0.4.</summary>
internal sealed class PrometheusText(MeterBook book, string prefix)
{
    public const string MediaType = "text/plain; version=0.0.4; charset=utf-8";

    public byte[] Write()
    {
        var text = new StringBuilder();
        foreach (var instrument in book.Read())
            Write(text, instrument);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private void Write(StringBuilder text, InstrumentBook instrument)
    {
        var name = prefix + instrument.Name;
        text.Append("# HELP ").Append(name).Append(' ').Append(EscapeHelp(instrument.Help)).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(instrument.Sort.ToString().ToLowerInvariant()).Append('\n');
        foreach (var series in instrument.Series)
        {
            var (value, count, buckets) = series.Read();
            if (instrument.Sort is InstrumentSort.Histogram)
                Histogram(text, name, series.Labels, value, count, buckets);
            else if (!instrument.Observed || count > 0)
                Line(text, name, series.Labels, value);
        }
    }

    private static void Histogram(StringBuilder text, string name, string labels, double sum, long count, long[] buckets)
    {
        var more = labels.Length == 0 ? "" : labels + ",";
        long below = 0;
        for (var i = 0; i < buckets.Length; i++)
        {
            below += buckets[i];
            Line(text, name + "_bucket", $"{more}le=\"{Number(InstrumentBook.Bounds[i])}\"", below);
        }
        Line(text, name + "_bucket", more + "le=\"+Inf\"", count);
        Line(text, name + "_sum", labels, sum);
        Line(text, name + "_count", labels, count);
    }

    private static void Line(StringBuilder text, string name, string labels, double value)
    {
        text.Append(name);
        if (labels.Length > 0)
            text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>Letters, digits and underscores, not beginning with a digit.</summary>
    public static string Identifier(string name)
    {
        var plain = string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '_'));
        return plain.Length == 0 || char.IsAsciiDigit(plain[0]) ? "_" + plain : plain;
    }

    public static string EscapeLabel(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n",
            StringComparison.Ordinal);

    private static string EscapeHelp(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
