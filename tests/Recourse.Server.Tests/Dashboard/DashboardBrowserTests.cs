using Recourse.Durable;

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
        foreach (var (name, path) in ((string, string)[])[
            ("overview", "/"), ("dead-letters", "/dead-letters"), ("delivery", $"/deliveries/{letter}"), ("failing", "/failing"),
            ("message", $"/messages/{letter.MessageId}"), ("search", "/dead-letters?text=period&kind=validation_error"),
            ("missing", "/messages/x")])
        {
            foreach (var (width, dark) in ((int, bool)[])[(1280, false), (1280, true), (360, false), (360, true)])
            {
                await browser.LookAsync(width, dark);
                await browser.GoToAsync(new(host.Address, path));
                var tooWide = await browser.EvaluateAsync("document.documentElement.scrollWidth - document.documentElement.clientWidth");
                Assert.Equal(0, (int)tooWide!);
                await ShootAsync(browser, $"{name}-{width}-{(dark ? "dark" : "light")}");
            }
        }
        Assert.DoesNotContain(browser.Errors, error => !error.Contains("/messages/x", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_dead_letter_is_replayed_by_keyboard_with_one_confirmation()
    {
        await using var host = await DashboardHost.StartAsync("/ops");
        var letter = await host.Scene.DeadAsync();
        await using var browser = await OpenAsync();
        await browser.GoToAsync(new(host.Address, $"/ops/deliveries/{letter}"));
        await browser.RunAsync("document.querySelector('.act summary').focus()");
        await browser.PressAsync("Enter");
        await browser.UntilAsync("document.querySelector('.act').open");
        Assert.Equal(DeliveryState.Dead, await StateAsync(host, letter));
        await browser.PressAsync("Tab");
        await browser.TypeAsync("the total was fixed");
        await browser.PressAsync("Tab");
        await ShootAsync(browser, "confirm");
        await browser.FollowByKeyAsync("Enter");

        await ShootAsync(browser, "replayed");
        Assert.StartsWith("✓ Replayed.", await browser.TextAsync(".flash"), StringComparison.Ordinal);
        Assert.Equal("Delivery\n◦ waiting", await browser.TextAsync("h1"));
        Assert.Contains("the total was fixed", await browser.TextAsync("#delivery-head"), StringComparison.Ordinal);
        Assert.Equal("", await browser.TextAsync("#acts"));
        Assert.Equal(DeliveryState.Waiting, await StateAsync(host, letter));

        // The page follows what happens next by itself.
        await host.Scene.DeliverAsync("fhir-server");
        await browser.UntilAsync("document.querySelector('h1').innerText.includes('delivered')");
        Assert.StartsWith("Attempt 2\n✓ delivered", await browser.TextAsync("#attempts .attempt"), StringComparison.Ordinal);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task The_first_visit_teaches_and_its_lesson_goes_when_a_message_came()
    {
        await using var host = await DashboardHost.StartAsync();
        host.Services.Configured.Add("orders");
        await using var browser = await OpenAsync();
        await browser.LookAsync(1280);
        await browser.GoToAsync(host.Address);
        await ShootAsync(browser, "first");
        Assert.Contains("/v1/queues/orders/messages", await browser.TextAsync("#teach pre"), StringComparison.Ordinal);
        await host.Scene.SendAsync("orders", "billing");
        await browser.UntilAsync("document.getElementById('teach').innerText === ''");
        Assert.Equal("✓ All well", (await browser.TextAsync("#headline .title")).ReplaceLineEndings(" "));
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task Replaying_works_with_scripts_off()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.DeadAsync();
        await using var browser = await OpenAsync();
        await browser.WithoutScriptAsync(true);
        await browser.GoToAsync(new(host.Address, $"/deliveries/{letter}"));
        Assert.Equal("Refresh", await browser.TextAsync(".controls"));
        await browser.ClickAsync(".act summary");
        await browser.FollowAsync(".act button.primary");
        Assert.StartsWith("✓ Replayed.", await browser.TextAsync(".flash"), StringComparison.Ordinal);
        Assert.Equal(DeliveryState.Waiting, await StateAsync(host, letter));
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task A_new_dead_letter_shows_by_itself_and_leaves_what_the_reader_does_alone()
    {
        await using var host = await DashboardHost.StartAsync();
        for (var letter = 0; letter < 40; letter++)
            await host.Scene.DeadAsync(error: $"first {letter}");
        await using var browser = await OpenAsync();
        await browser.LookAsync(1280);
        await browser.GoToAsync(new(host.Address, "/dead-letters"));
        await browser.RunAsync("""
            document.getElementById('text').focus();
            window.row = document.querySelector('tbody tr:nth-child(20)');
            """);
        await browser.TypeAsync("half a wo");
        await browser.RunAsync("window.scrollTo(0, 400)");
        host.Scene.Clock.Advance(TimeSpan.FromSeconds(5));
        await host.Scene.DeadAsync(error: "the new one");
        await browser.UntilAsync("document.querySelector('tbody tr').innerText.includes('the new one')");

        Assert.Equal("41 dead letters", await browser.TextAsync("caption"));
        Assert.Equal("41", await browser.TextAsync("nav .count"));
        Assert.Equal("text half a wo",
            (string)(await browser.EvaluateAsync("document.activeElement.id + ' ' + document.activeElement.value"))!);
        Assert.True((bool)(await browser.EvaluateAsync("document.querySelector('tbody tr:nth-child(21)') === window.row"))!);
        Assert.InRange((double)(await browser.EvaluateAsync("scrollY"))!, 400, 480);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task What_is_open_selected_or_half_written_on_a_dead_letter_survives_an_update()
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.BadNightAsync(host.Services);
        await using var browser = await OpenAsync();
        await browser.GoToAsync(new(host.Address, $"/deliveries/{letter}"));
        await browser.ClickAsync(".act:nth-child(2) summary");
        await browser.ClickAsync(".earlier summary");
        await browser.RunAsync("""
            document.getElementById('discard-reason').focus();
            getSelection().selectAllChildren(document.querySelector('#facts dd code'));
            """);
        await browser.TypeAsync("sent by mistake");
        await browser.RunAsync("getSelection().selectAllChildren(document.querySelector('#facts dd code'))");
        host.Scene.Clock.Advance(TimeSpan.FromMinutes(1));
        await browser.UntilAsync("document.getElementById('attempts').innerText.includes('9 min 29 s ago')");

        Assert.Equal("sent by mistake", (string)(await browser.EvaluateAsync("document.getElementById('discard-reason').value"))!);
        var open = await browser.EvaluateAsync("document.querySelectorAll('.act:nth-child(2)[open], .earlier[open]').length");
        Assert.Equal(2, (int)open!);
        Assert.Equal("service_unavailable", (string)(await browser.EvaluateAsync("getSelection().toString()"))!);
        Assert.Empty(browser.Errors);
    }

    [Fact]
    public async Task A_relay_that_goes_away_is_said_and_its_return_is_noticed()
    {
        await using var host = await DashboardHost.StartAsync();
        await host.Scene.DeadAsync();
        await using var browser = await OpenAsync();
        await browser.GoToAsync(new(host.Address, "/"));
        host.Away = true;
        await browser.UntilAsync("document.getElementById('connection').innerText !== ''");
        Assert.StartsWith("Connection lost, retrying.", await browser.TextAsync("#connection"), StringComparison.Ordinal);
        host.Away = false;
        await host.Scene.DeadAsync();
        await browser.UntilAsync("document.getElementById('connection').innerText === ''");
        Assert.Equal("2", await browser.TextAsync("nav .count"));
    }

    [Fact]
    public async Task Updates_stop_while_they_are_paused_or_the_page_is_hidden()
    {
        await using var host = await DashboardHost.StartAsync();
        await using var browser = await OpenAsync();
        await browser.GoToAsync(new(host.Address, "/"));
        await browser.ClickAsync(".controls button");
        Assert.Equal("Resume updates", await browser.TextAsync(".controls button"));
        Assert.Equal(0, (int)(await browser.EvaluateAsync("recourseTimers()"))!);
        await browser.RunAsync("""
            const updated = new Promise(done => document.addEventListener('recourse:updated', done, { once: true }));
            document.querySelector('.controls button').click();
            await updated;
            """);
        Assert.Equal(1, (int)(await browser.EvaluateAsync("recourseTimers()"))!);
        await browser.RunAsync("""
            Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
            document.dispatchEvent(new Event('visibilitychange'));
            """);
        Assert.Equal(0, (int)(await browser.EvaluateAsync("recourseTimers()"))!);
        Assert.Empty(browser.Errors);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Text_has_enough_contrast_everywhere(bool dark)
    {
        await using var host = await DashboardHost.StartAsync();
        var letter = await host.Scene.BadNightAsync(host.Services);
        await using var browser = await OpenAsync();
        await browser.LookAsync(1280, dark);
        foreach (var path in (string[])["/", "/dead-letters?text=a", $"/deliveries/{letter}", "/failing"])
        {
            await browser.GoToAsync(new(host.Address, path));
            await browser.RunAsync("document.querySelectorAll('details').forEach(details => { details.name = ''; details.open = true; })");
            var poor = (await browser.EvaluateAsync(ContrastScript))!.AsArray();
            Assert.True(poor.Count == 0, $"{path}: {poor.ToJsonString()}");
        }
    }

    // Every element with text of its own: its colour against the ground that it stands on, by the formula of WCAG 2.
    private const string ContrastScript = """
        (() => {
          const numbers = colour => colour.match(/[\d.]+/g).map(Number);
          const light = colour => {
            const [r, g, b] = numbers(colour).map(value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const ground = element => {
            for (let at = element; at; at = at.parentElement) {
              const colour = getComputedStyle(at).backgroundColor;
              if (numbers(colour)[3] !== 0) return colour;
            }
            return getComputedStyle(document.documentElement).backgroundColor;
          };
          return [...document.body.querySelectorAll('*')].filter(element =>
              element.checkVisibility({ opacityProperty: true }) && element.localName !== 'option'
              && [...element.childNodes].some(node => node.nodeType === 3 && node.nodeValue.trim()))
            .map(element => {
              const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].sort((one, two) => two - one);
              return { text: element.textContent.trim().slice(0, 40), contrast: (a + 0.05) / (b + 0.05) };
            }).filter(found => found.contrast < 4.5);
        })()
        """;

    private static Task ShootAsync(Browser browser, string name)
    {
        Directory.CreateDirectory(Screenshots);
        return browser.ScreenshotAsync(Path.Combine(Screenshots, $"{name}.png"));
    }

    private static async Task<DeliveryState> StateAsync(DashboardHost host, DeliveryId id) =>
        (await host.Store.Queries.DeliveryAsync(id, TestContext.Current.CancellationToken))!.State;

    private static async Task<Browser> OpenAsync()
    {
        if (Browser.Executable is null)
            Assert.Skip("Chromium is not installed; ./test installs it where it may.");
        return await Browser.StartAsync();
    }
}
