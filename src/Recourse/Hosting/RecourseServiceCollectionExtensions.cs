using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Primitives;

namespace Recourse;

/// <summary>Registers pipelines with the services of an application.</summary>
public static class RecourseServiceCollectionExtensions
{
    /// <summary>
    /// Registers named pipelines: each as a keyed <see cref="Pipeline"/>, all in one <see cref="PipelineRegistry"/>. They are built, and
    /// their options checked, when the host starts. A <see cref="TimeProvider"/> and a logger factory among the services are used.
    /// </summary>
    /// <param name="services">The services of the application.</param>
    /// <param name="configure">Adds pipelines.</param>
    public static IServiceCollection AddRecourse(this IServiceCollection services, Action<RecourseBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        services.TryAddSingleton(provider =>
            new PipelineRegistry(provider.GetService<PipelineRegistryOptions>(), provider.GetService<TimeProvider>()));
        // Building all of them is the check: what cannot be built stops the host before it takes its first call.
        services.AddOptions<RecourseOptions>().Validate<IServiceProvider>(static (options, provider) =>
            options.BuildAll(provider)).ValidateOnStart();
        services.TryAddSingleton<PipelineHealthCheck>();
        configure(new RecourseBuilder(services));
        return services;
    }
}

/// <summary>Adds pipelines to the services of an application.</summary>
public sealed class RecourseBuilder
{
    private readonly IServiceCollection _services;

    internal RecourseBuilder(IServiceCollection services) => _services = services;

    internal IServiceCollection Services => _services;

    /// <summary>Adds a pipeline, to be asked for as a keyed service by its name.</summary>
    /// <param name="name">The name; the last one added under a name counts.</param>
    /// <param name="configure">Adds strategies; it may ask the services.</param>
    public RecourseBuilder AddPipeline(string name, Action<IServiceProvider, PipelineBuilder> configure)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(configure);
        _services.Configure<RecourseOptions>(options => options.Names.Add(name));
        _services.AddKeyedSingleton(name, (provider, _) => Kept(provider, name, () => NewBuilder(provider, name, configure).Build()));
        return this;
    }

    /// <summary>Adds a pipeline.</summary>
    /// <param name="name">The name.</param>
    /// <param name="configure">Adds strategies.</param>
    public RecourseBuilder AddPipeline(string name, Action<PipelineBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        return AddPipeline(name, (_, builder) => configure(builder));
    }

    /// <summary>
    /// Adds a pipeline from a section of the configuration (see <see cref="PipelineConfiguration"/>). When the configuration changes, the
    /// pipeline follows and keeps its state; a change that cannot be built is logged, and the pipeline stays as it was.
    /// </summary>
    /// <param name="name">The name.</param>
    /// <param name="section">The section.</param>
    /// <param name="more">Adds strategies inside those of the section; null for none.</param>
    public RecourseBuilder AddPipeline(string name, IConfigurationSection section, Action<PipelineBuilder>? more = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(section);
        Action<IServiceProvider, PipelineBuilder> configure = (_, builder) =>
        {
            builder.Configure(section);
            more?.Invoke(builder);
        };
        _services.Configure<RecourseOptions>(options => options.Names.Add(name));
        _services.AddKeyedSingleton(name, (provider, _) => Kept(provider, name, () =>
        {
            var pipeline = NewBuilder(provider, name, configure).Build();
            // For as long as the configuration lives, as the pipeline does: both are singletons.
            ChangeToken.OnChange(section.GetReloadToken, () => Follow(provider, pipeline, name, configure));
            return pipeline;
        }));
        return this;
    }

    /// <summary>Adds a pipeline for each child of a section, under the name of the child.</summary>
    /// <param name="section">The section.</param>
    public RecourseBuilder AddPipelines(IConfigurationSection section)
    {
        ArgumentNullException.ThrowIfNull(section);
        foreach (var child in section.GetChildren()) AddPipeline(child.Key, child);
        return this;
    }

    // Outside the registry's lock, since a pipeline's services may ask the registry for others.
    private static Pipeline Kept(IServiceProvider provider, string name, Func<Pipeline> build)
    {
        var pipeline = build();
        return provider.GetRequiredService<PipelineRegistry>().GetOrAdd(name, _ => pipeline);
    }

    private static PipelineBuilder NewBuilder(IServiceProvider provider, string name, Action<IServiceProvider, PipelineBuilder> configure)
    {
        var builder = new PipelineBuilder(name, provider.GetService<TimeProvider>()).Log(LoggerOf(provider));
        if (provider.GetService<FaultClassifier>() is { } classifier) builder.Classify(classifier);
        configure(provider, builder);
        return builder;
    }

    private static void Follow(IServiceProvider provider, Pipeline pipeline, string name, Action<IServiceProvider,
        PipelineBuilder> configure)
    {
        try
        {
            pipeline.Reload(NewBuilder(provider, name, configure));
            Log.Reloaded(LoggerOf(provider), name);
        }
        catch (Exception e)
        {
            Log.ReloadFailed(LoggerOf(provider), name, e);
        }
    }

    private static ILogger LoggerOf(IServiceProvider provider) =>
        provider.GetService<ILoggerFactory>()?.CreateLogger(RecourseDiagnostics.Name) ?? (ILogger)NullLogger.Instance;
}

/// <summary>The names of all pipelines that were added, so that they can be built when the host starts.</summary>
internal sealed class RecourseOptions
{
    internal HashSet<string> Names { get; } = [];

    internal bool BuildAll(IServiceProvider provider)
    {
        foreach (var name in Names) provider.GetRequiredKeyedService<Pipeline>(name);
        return true;
    }
}
