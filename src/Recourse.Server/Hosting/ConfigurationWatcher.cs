using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Recourse.Server;

/// <summary>
/// Reads the configuration again when one of its files changes. A wrong file changes nothing: the old configuration stays and the log has
/// every
/// error with its place.
/// </summary>
internal sealed class ConfigurationWatcher : IHostedService, IAsyncDisposable
{
    /// <summary>Editors write in several steps; the last of them counts.</summary>
    internal static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(300);

    private readonly Relay _relay;
    private readonly ILogger<ConfigurationWatcher> _logger;
    private readonly bool _wanted;
    private readonly ITimer _timer;
    private readonly SemaphoreSlim _one = new(1);
    private readonly List<FileSystemWatcher> _watchers = [];
    private IReadOnlyList<string> _files;

    public ConfigurationWatcher(Relay relay, RelayOptions options, ILogger<ConfigurationWatcher> logger)
    {
        (_relay, _logger, _files) = (relay, logger, options.Configuration.Files);
        _wanted = options.WatchFiles && _files.Count > 0 && File.Exists(_files[0]);
        _timer = options.Time.CreateTimer(_ => _ = ReloadAsync(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_wanted)
            Watch();
        return Task.CompletedTask;
    }

    // The folder is watched, not the file: editors, and mounted secrets, replace a file instead of writing into it.
    private void Watch()
    {
        lock (_watchers)
        {
            _watchers.ForEach(watcher => watcher.Dispose());
            _watchers.Clear();
            try
            {
                foreach (var folder in _files.Select(file => Path.GetDirectoryName(file)!).Distinct().Where(Directory.Exists))
                {
                    var watcher = new FileSystemWatcher(folder);
                    watcher.Changed += Touched;
                    watcher.Created += Touched;
                    watcher.Renamed += Touched;
                    watcher.Error += (_, error) => Log.NotWatched(_logger, error.GetException().Message);
                    watcher.EnableRaisingEvents = true;
                    _watchers.Add(watcher);
                }
            }
            catch (Exception error) when (error is IOException or ArgumentException or PlatformNotSupportedException)
            {
                Log.NotWatched(_logger, error.Message);
            }
        }
    }

    private void Touched(object sender, FileSystemEventArgs change)
    {
        if (_files.Contains(change.FullPath))
            _timer.Change(Settle, Timeout.InfiniteTimeSpan);
    }

    internal async Task ReloadAsync()
    {
        await _one.WaitAsync();
        try
        {
            var loaded = RelayConfiguration.Load(_files[0]);
            foreach (var error in loaded.Errors)
                Log.ReloadRefused(_logger, error.ToString());
            if (loaded.Configuration is not { } configuration)
                return;
            foreach (var warning in loaded.Warnings)
                Log.Configured(_logger, warning.ToString());
            var moved = !loaded.Files.SequenceEqual(_files);
            _files = loaded.Files;
            if (moved)
                Watch();
            await _relay.ApplyAsync(configuration);
        }
        catch (Exception error)
        {
            Log.PassFailed(_logger, "the changed configuration", error);
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken) => await DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        lock (_watchers)
        {
            _watchers.ForEach(watcher => watcher.Dispose());
            _watchers.Clear();
        }
        await _timer.DisposeAsync();
    }
}
