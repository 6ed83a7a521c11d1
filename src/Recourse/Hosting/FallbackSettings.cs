namespace Recourse;

/// <summary>The fallback of a section: a value of one of the types that a configuration can write.</summary>
internal static class FallbackSettings
{
    private enum ValueType
    {
        Text,
        Boolean,
        Int,
        Long,
        Double,
        Decimal,
    }

    internal static void Add(PipelineBuilder pipeline, Settings settings)
    {
        _ = settings.Enum("Type", ValueType.Text) switch
        {
            ValueType.Boolean => Add(pipeline, settings, settings.Needed<bool>("Value", bool.TryParse, "true or false")),
            ValueType.Int => Add(pipeline, settings, settings.Number<int>("Value")),
            ValueType.Long => Add(pipeline, settings, settings.Number<long>("Value")),
            ValueType.Double => Add(pipeline, settings, settings.Number<double>("Value")),
            ValueType.Decimal => Add(pipeline, settings, settings.Number<decimal>("Value")),
            _ => Add(pipeline, settings, settings.Text("Value", "")),
        };
    }

    private static PipelineBuilder Add<T>(PipelineBuilder pipeline, Settings settings, T value)
    {
        var options = new FallbackOptions<T>
        {
            Value = value,
            On = settings.Kinds("On"),
            OnCategories = settings.Categories("OnCategories"),
            OnTimeout = settings.Bool("OnTimeout", true),
        };
        settings.Done();
        return pipeline.Fallback(options);
    }
}
