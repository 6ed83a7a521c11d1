using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Recourse.Server.Tests.Dashboard;

/// <summary>Chromium without a window, driven over its DevTools socket. One page; every error that the page reports is kept.</summary>
internal sealed class Browser : IAsyncDisposable
{
    // Long enough for a busy machine: a browser that hangs must end the test, not be waited for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // Lets a test see whether the page has a timer running, which no standard function tells.
    private const string CountTimers = """
        (() => {
          const running = new Set(), set = window.setTimeout, clear = window.clearTimeout;
          window.setTimeout = (act, ...rest) => {
            const id = set(() => { running.delete(id); act(); }, ...rest);
            running.add(id);
            return id;
          };
          window.clearTimeout = id => { running.delete(id); clear(id); };
          window.recourseTimers = () => running.size;
        })();
        """;

    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode>> _calls = new();
    private readonly SemaphoreSlim _sending = new(1);
    private TaskCompletionSource _loaded = new();
    private Task _reading = Task.CompletedTask;
    private string? _session;
    private int _lastCall;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>Errors on the console, uncaught exceptions, refused loads and breaches of the content security policy.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    public static string? Executable { get; } =
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    public static async Task<Browser> StartAsync()
    {
        var profile = Directory.CreateTempSubdirectory("recourse-browser-").FullName;
        var start = new ProcessStartInfo(Executable!) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (var flag in (string[])[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-port=0",
            $"--user-data-dir={profile}", "about:blank"])
            start.ArgumentList.Add(flag);
        var address = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, line) =>
        {
            const string announcement = "DevTools listening on ";
            if (line.Data?.StartsWith(announcement, StringComparison.Ordinal) == true)
                address.TrySetResult(line.Data[announcement.Length..]);
        };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        var browser = new Browser(process, profile);
        await browser._socket.ConnectAsync(new(await address.Task.WaitAsync(Patience)), CancellationToken.None);
        browser._reading = browser.ReadAsync();
        var target = await browser.CallAsync("Target.createTarget", new() { ["url"] = "about:blank" });
        var attached = await browser.CallAsync("Target.attachToTarget",
            new() { ["targetId"] = (string)target["targetId"]!, ["flatten"] = true });
        browser._session = (string)attached["sessionId"]!;
        foreach (var domain in (string[])["Page", "Runtime", "Log", "Network"])
            await browser.CallAsync($"{domain}.enable");
        await browser.CallAsync("Page.addScriptToEvaluateOnNewDocument", new() { ["source"] = CountTimers });
        return browser;
    }

    /// <summary>Opens an address and waits until it is loaded.</summary>
    public Task GoToAsync(Uri address) => LoadingAsync(() => CallAsync("Page.navigate", new() { ["url"] = address.ToString() }));

    /// <summary>Clicks something that leads to another page and waits until that is loaded.</summary>
    public Task FollowAsync(string selector) => LoadingAsync(() => ClickAsync(selector));

    public Task ClickAsync(string selector) => RunAsync($"document.querySelector({JsonSerializer.Serialize(selector)}).click()");

    public Task FollowByKeyAsync(string key) => LoadingAsync(() => PressAsync(key));

    /// <summary>Presses a key as a keyboard does: Enter or Tab.</summary>
    public async Task PressAsync(string key)
    {
        var press = new JsonObject { ["key"] = key, ["code"] = key, ["windowsVirtualKeyCode"] = key == "Enter" ? 13 : 9 };
        if (key == "Enter")
            press["text"] = "\r";
        press["type"] = "keyDown";
        await CallAsync("Input.dispatchKeyEvent", press);
        await CallAsync("Input.dispatchKeyEvent", new() { ["type"] = "keyUp", ["key"] = key, ["code"] = key });
    }

    public Task TypeAsync(string text) => CallAsync("Input.insertText", new() { ["text"] = text });

    public Task RunAsync(string script) => EvaluateAsync($"(async () => {{ {script} }})()");

    /// <summary>The text of what a selector finds; empty when it finds nothing.</summary>
    public async Task<string> TextAsync(string selector) =>
        (string)(await EvaluateAsync($"document.querySelector({JsonSerializer.Serialize(selector)})?.innerText ?? ''"))!;

    public async Task<JsonNode?> EvaluateAsync(string expression)
    {
        var answer = await CallAsync("Runtime.evaluate", new()
        {
            ["expression"] = expression,
            ["awaitPromise"] = true,
            ["returnByValue"] = true,
            ["userGesture"] = true,
        });
        if (answer["exceptionDetails"] is { } failure)
            throw new InvalidOperationException(failure.ToJsonString());
        return answer["result"]!["value"]?.DeepClone();
    }

    /// <summary>Waits until an expression holds, looking again after each change of the document.</summary>
    public async Task UntilAsync(string expression) => await EvaluateAsync($$"""
        new Promise(done => {
          const look = () => { if ({{expression}}) { observer.disconnect(); done(true); } };
          const observer = new MutationObserver(look);
          observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
          look();
        })
        """);

    public Task LookAsync(int width, bool dark = false, bool reducedMotion = true) => Task.WhenAll(
        CallAsync("Emulation.setDeviceMetricsOverride",
            new() { ["width"] = width, ["height"] = 900, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 }),
        CallAsync("Emulation.setEmulatedMedia", new()
        {
            ["features"] = new JsonArray(
                new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" },
                new JsonObject { ["name"] = "prefers-reduced-motion", ["value"] = reducedMotion ? "reduce" : "no-preference" }),
        }));

    public Task WithoutScriptAsync(bool disabled) => CallAsync("Emulation.setScriptExecutionDisabled", new() { ["value"] = disabled });

    public async Task ScreenshotAsync(string path)
    {
        var shot = await CallAsync("Page.captureScreenshot", new() { ["format"] = "png", ["captureBeyondViewport"] = true });
        await File.WriteAllBytesAsync(path, Convert.FromBase64String((string)shot["data"]!));
    }

    public async Task<JsonNode> CallAsync(string method, JsonObject? parameters = null)
    {
        var id = Interlocked.Increment(ref _lastCall);
        var answer = _calls[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        if (_session is not null)
            call["sessionId"] = _session;
        await _sending.WaitAsync();
        try
        {
            await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(call), WebSocketMessageType.Text, true, CancellationToken.None);
        }
        finally
        {
            _sending.Release();
        }
        return await answer.Task.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        _socket.Dispose();
        _process.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task LoadingAsync(Func<Task> act)
    {
        _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await act();
        await _loaded.Task.WaitAsync(Patience);
    }

    private async Task ReadAsync()
    {
        var chunk = new byte[64 * 1024];
        using var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(chunk.AsMemory(), CancellationToken.None);
                message.Write(chunk, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                Take(JsonNode.Parse(message.ToArray())!);
                message.SetLength(0);
            }
        }
        catch (Exception error) when (error is WebSocketException or JsonException)
        {
            foreach (var call in _calls.Values)
                call.TrySetException(error);
        }
    }

    private void Take(JsonNode message)
    {
        if ((int?)message["id"] is { } id)
        {
            if (_calls.TryRemove(id, out var call) && message["error"] is { } error)
                call.SetException(new InvalidOperationException(error.ToJsonString()));
            else
                call?.SetResult(message["result"]!);
            return;
        }
        var happened = message["params"];
        switch ((string?)message["method"])
        {
            case "Page.loadEventFired":
                _loaded.TrySetResult();
                break;
            case "Runtime.exceptionThrown":
                Errors.Enqueue(happened!["exceptionDetails"]!.ToJsonString());
                break;
            case "Runtime.consoleAPICalled" when (string?)happened!["type"] is "error" or "warning":
                Errors.Enqueue(happened["args"]!.ToJsonString());
                break;
            case "Log.entryAdded" when (string?)happened!["entry"]!["level"] is "error" or "warning":
                Errors.Enqueue(happened["entry"]!.ToJsonString());
                break;
            default:
                break;
        }
    }
}
