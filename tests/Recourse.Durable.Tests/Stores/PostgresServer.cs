using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Recourse.Cli.Demo;

namespace Recourse.Durable.Tests;

/// <summary>
/// A PostgreSQL server of the tests' own: a fresh cluster in a temporary folder, on a free loopback port, with fsync on. Where PostgreSQL
/// is not installed the tests that ask for it are skipped, visibly.
/// </summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("recourse-pg-");
    private Process? _server;
    private string? _unavailable;
    private int _port;
    private int _databases;
    private string? _shared;

    private static string? Binaries => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql")
            .OrderByDescending(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))
            .Select(path => Path.Combine(path, "bin")).FirstOrDefault(path => File.Exists(Path.Combine(path, "initdb")))
        : null;

    public async ValueTask InitializeAsync()
    {
        if (Binaries is not { } binaries)
        {
            _unavailable = "PostgreSQL is not installed";
            return;
        }
        var data = Path.Combine(_folder.FullName, "data");
        if (Environment.UserName == "root")
            await RunAsync("chown", "-R", "postgres", _folder.FullName);
        await RunAsync([.. AsPostgres, Path.Combine(binaries, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
            "--locale=C"]);
        _port = LoopbackPort.Free();
        await StartAsync();
    }

    /// <summary>Starts the server, or starts it again after <see cref="StopAtOnceAsync"/>, and waits until it takes connections.</summary>
    public async Task StartAsync()
    {
        string[] command =
        [
            .. AsPostgres, Path.Combine(Binaries!, "postgres"), "-D", Path.Combine(_folder.FullName, "data"), "-p", $"{_port}",
            "-c", "listen_addresses=127.0.0.1", "-c", $"unix_socket_directories={_folder.FullName}",
        ];
        var server = Process.Start(
            new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _server = server;
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null || line.Data.Contains("ready to accept connections", StringComparison.Ordinal))
                ready.TrySetResult();
        };
        server.BeginErrorReadLine();
        server.BeginOutputReadLine();
        await ready.Task;
        if (server.HasExited)
            _unavailable = "PostgreSQL did not start";
    }

    /// <summary>Stops the server like <c>pg_ctl stop -m immediate</c>: no checkpoint, every connection cut; the next start
    /// recovers.</summary>
    public async Task StopAtOnceAsync()
    {
        await RunAsync("kill", "-QUIT", $"{_server!.Id}");
        await _server.WaitForExitAsync();
        _server.Dispose();
        _server = null;
        NpgsqlConnection.ClearAllPools();
    }

    /// <summary>PostgreSQL refuses to run as root.</summary>
    internal static string[] AsPostgres =>
        Environment.UserName == "root" ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] : [];

    /// <summary>The connection string of a database that nobody else uses; skips the test when there is no server.</summary>
    public string NewDatabase()
    {
        if (_unavailable is not null)
            Assert.Skip(_unavailable);
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        Run(Connection("postgres"), $"CREATE DATABASE {name}");
        return Connection(name);
    }

    /// <summary>One database for tests that run one after the other, emptied for each: making one costs more than most tests.</summary>
    public string EmptiedDatabase()
    {
        _shared ??= NewDatabase();
        Run(_shared, "DROP SCHEMA IF EXISTS recourse CASCADE");
        return _shared;
    }

    /// <summary>The address of a database as a configuration names it; <paramref name="port"/> is that of a proxy before the
    /// server.</summary>
    public static string Address(string connectionString, int? port = null)
    {
        var parts = new NpgsqlConnectionStringBuilder(connectionString);
        return $"postgres://{parts.Username}@127.0.0.1:{port ?? parts.Port}/{parts.Database}?Maximum_Pool_Size=10";
    }

    internal static void Run(string connectionString, string sql)
    {
        // Of its own: tests end connections of the pool.
        using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        connection.Open();
        using var command = new NpgsqlCommand(sql, connection);
        command.ExecuteNonQuery();
    }

    private string Connection(string database) => $"Host=127.0.0.1;Port={_port};Username=postgres;Database={database};Maximum Pool Size=10";

    internal static async Task RunAsync(params string[] command)
    {
        using var process = Process.Start(
            new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}: {error}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { HasExited: false } server)
        {
            // SIGINT: the server ends its own children and its shared memory.
            await RunAsync("kill", "-INT", $"{server.Id}");
            await server.WaitForExitAsync();
        }
        _server?.Dispose();
        _folder.Delete(recursive: true);
    }
}
