namespace Recourse.Server.Tests.Dashboard;

/// <summary>The dashboard as an operator meets it: in Chromium, by its own pages only.</summary>
[Trait("Category", "Slow")]
public class DashboardBrowserTests
{
    private static readonly string Screenshots =
        Environment.GetEnvironmentVariable("RECOURSE_SCREENSHOTS") ?? Path.Combine(Path.GetTempPath(), "recourse-screenshots");

    [Fact]
    public async Task Every_page_draws_without_an_error_wide_and_narrow_light_and_dark()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.BadNightAsync(host.Services);
        await using var browser = await OpenAsync();
        Directory.CreateDirectory(Screenshots);
        foreach (var (name, path) in ((string, string)[])[("overview", "/"), ("dead-letters", "/dead-letters"), ("delivery", $"/deliveries/{letter}"),
            ("failing", "/failing"), ("message", $"/messages/{letter.MessageId}"), ("search", "/dead-letters?text=period&kind=validation_error"), ("missing", "/messages/x")])
        {
            foreach (var (width, dark) in ((int, bool)[])[(1280, false), (1280, true), (360, false), (360, true)])
            {
                await browser.LookAsync(width, dark);
                await browser.GoToAsync(new(host.Address, path));
                Assert.Equal(0, (int)(await browser.EvaluateAsync("document.documentElement.scrollWidth - document.documentElement.clientWidth"))!);
                await browser.ScreenshotAsync(Path.Combine(Screenshots, $"{name}-{width}-{(dark ? "dark" : "light")}.png"));
            }
        }
        Assert.DoesNotContain(browser.Errors, error => !error.Contains("/messages/x", StringComparison.Ordinal));
    }

    private static async Task<Browser> OpenAsync()
    {
        if (Browser.Executable is null)
            Assert.Skip("Chromium is not installed; ./test installs it where it may.");
        return await Browser.StartAsync();
    }
}
