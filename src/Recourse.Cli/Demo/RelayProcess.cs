using System.Diagnostics;
using Recourse.Cli.Client;

namespace Recourse.Cli.Demo;

/// <summary>
/// The relay as a process of its own: the same executable with <c>serve --config</c>. It can be killed with SIGKILL and started again on
/// the same store. However the owner ends (short of its own SIGKILL), the process ends with it.
/// </summary>
internal sealed class RelayProcess : IAsyncDisposable
{
    private const int LogLines = 200;
    private static readonly TimeSpan ReadyPoll = TimeSpan.FromMilliseconds(50);
    private readonly string _executable;
    private readonly string[] _arguments;
    private readonly RelayClient _client;
    private readonly TimeProvider _clock;
    private readonly Queue<string> _log = new();
    private Process? _process;

    /// <summary>
    /// Runs <paramref name="executable"/> (null: this program) with <paramref name="configuration"/>, which listens on <paramref
    /// name="address"/>.
    /// </summary>
    public RelayProcess(string configuration, Uri address, TimeProvider clock, string? executable = null)
    {
        Address = address;
        _clock = clock;
        _client = new(address);
        (_executable, var first) = executable is null ? ThisProgram() : (executable, []);
        _arguments = [.. first, "serve", "--config", configuration];
        AppDomain.CurrentDomain.ProcessExit += OnOwnerExit;
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Its process id; null while it is down.</summary>
    public int? Id => _process is { HasExited: false } running ? running.Id : null;

    /// <summary>What it printed last, at most 200 lines.</summary>
    public string Log
    {
        get
        {
            lock (_log) return string.Join(Environment.NewLine, _log);
        }
    }

    /// <summary>Starts it and waits until it takes messages; answers how long that took.</summary>
    /// <exception cref="CliException">It ended, or was not ready within <paramref name="limit"/>; the message has its last
    /// words.</exception>
    public async Task<TimeSpan> StartAsync(TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = _clock.GetTimestamp();
        var process = Launch();
        while (!await IsReadyAsync(cancellationToken))
        {
            if (process.HasExited)
            {
                await process.WaitForExitAsync(cancellationToken);
                throw new CliException(ExitCode.Failed,
                    $"the relay ended with code {process.ExitCode} instead of starting. Its last words:{Environment.NewLine}{Log}");
            }
            if (_clock.GetElapsedTime(started) > limit)
                throw new CliException(ExitCode.Failed,
                    $"the relay was not ready within {limit.TotalSeconds:0} s. Its last words:{Environment.NewLine}{Log}");
            await Task.Delay(ReadyPoll, _clock, cancellationToken);
        }
        return _clock.GetElapsedTime(started);
    }

    /// <summary>Starts it and waits for nothing.</summary>
    public Process Launch()
    {
        var start = new ProcessStartInfo(_executable, _arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The runtime's debugging pipes would stay in the temporary folder when their process is killed.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        var process = Process.Start(start) ?? throw new CliException(ExitCode.Failed, $"cannot start {_executable}.");
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _process = process;
        return process;
    }

    /// <summary>Ends it with SIGKILL, as a crash would: nothing in it gets to run any more.</summary>
    public async Task KillAsync()
    {
        if (Interlocked.Exchange(ref _process, null) is not { } process) return;
        process.Kill();
        await process.WaitForExitAsync(CancellationToken.None);
        process.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnOwnerExit;
        await KillAsync();
        _client.Dispose();
    }

    private static (string, string[]) ThisProgram()
    {
        var path = Environment.ProcessPath!;
        // Run as `dotnet recourse.dll`, the program is the first argument.
        return Path.GetFileNameWithoutExtension(path) == "dotnet" ? (path, [typeof(RelayProcess).Assembly.Location]) : (path, []);
    }

    private async Task<bool> IsReadyAsync(CancellationToken cancellationToken)
    {
        try
        {
            await _client.ReadAsync("health/ready", cancellationToken);
            return true;
        }
        catch (CliException)
        {
            return false;
        }
    }

    private void Note(string? line)
    {
        if (line is null) return;
        lock (_log)
        {
            _log.Enqueue(line);
            if (_log.Count > LogLines) _log.Dequeue();
        }
    }

    private void OnOwnerExit(object? sender, EventArgs arguments)
    {
        if (_process is { HasExited: false } running) running.Kill();
    }
}
