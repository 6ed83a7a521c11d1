using System.Net;

namespace Shop.Tests;

public class ShopTests
{
    [Fact]
    public async Task An_order_is_billed_once_and_its_customer_gets_a_receipt()
    {
        await using var shop = await ShopRig.StartAsync();
        var order = await shop.OrderAsync("anna@example.com", 12.5);
        await shop.UntilAsync(async () => shop.Mail.Sent.Any() && await shop.InvoicesAsync(order) > 0);
        Assert.Equal([$"anna@example.com: Receipt for order {order}: 12.50"], shop.Mail.Sent);
        Assert.Equal(1, await shop.InvoicesAsync(order));
        Assert.Empty((await shop.GetAsync("/failures")).AsArray());
    }

    [Fact]
    public async Task A_gateway_that_is_away_for_a_while_delays_a_receipt_and_nothing_else()
    {
        await using var shop = await ShopRig.StartAsync();
        shop.Mail.FailsOn = call => call <= 3 ? new HttpRequestException("away", null, HttpStatusCode.ServiceUnavailable) : null;
        var order = await shop.OrderAsync("anna@example.com", 1);
        await shop.UntilAsync(() => Task.FromResult(shop.Mail.Sent.Any()));
        Assert.Equal(4, shop.Mail.Calls);
        await shop.UntilAsync(async () => await shop.InvoicesAsync(order) > 0);
        Assert.Equal(1, await shop.InvoicesAsync(order));
    }

    [Fact]
    public async Task A_receipt_that_can_never_be_sent_waits_for_a_person_with_its_reason()
    {
        await using var shop = await ShopRig.StartAsync();
        await shop.OrderAsync("no address", 3);
        await shop.UntilAsync(async () => (await shop.GetAsync("/failures")).AsArray().Count > 0);
        var failure = Assert.Single((await shop.GetAsync("/failures")).AsArray())!;
        Assert.Equal(("send-receipt", "'no address' is no e-mail address", 1),
            ((string)failure["handler"]!, (string)failure["error"]!, (int)failure["attempts"]!));

        await shop.PostAsync($"/failures/{failure["id"]}/retry");
        await shop.UntilAsync(async () => (await shop.GetAsync("/failures")).AsArray() is [{ } again] && (int)again["attempts"]! == 2);
        Assert.Equal(0, shop.Mail.Calls);
    }

    [Fact]
    public async Task What_is_paused_waits_through_a_restart_and_goes_on_after_it()
    {
        await using var shop = await ShopRig.StartAsync();
        await shop.PostAsync("/mail/pause");
        var order = await shop.OrderAsync("anna@example.com", 2);
        await shop.UntilAsync(async () => await shop.InvoicesAsync(order) > 0);
        await shop.RestartAsync();
        Assert.Empty(shop.Mail.Sent);

        await shop.PostAsync("/mail/resume");
        await shop.UntilAsync(() => Task.FromResult(shop.Mail.Sent.Any()));
        Assert.Equal(1, await shop.InvoicesAsync(order));
    }

    [Fact]
    public async Task The_customer_is_asked_for_a_review_two_weeks_later()
    {
        await using var shop = await ShopRig.StartAsync();
        var order = await shop.OrderAsync("anna@example.com", 2);
        await shop.UntilAsync(() => Task.FromResult(shop.Mail.Sent.Any()));
        // The outbox has handed the reminder over when the other message of the same batch was handled.
        shop.Clock.Advance(TimeSpan.FromDays(13));
        Assert.Single(shop.Mail.Sent);
        shop.Clock.Advance(TimeSpan.FromDays(1));
        await shop.UntilAsync(() => Task.FromResult(shop.Mail.Sent.Count() == 2));
        Assert.Equal($"anna@example.com: How was order {order}?", shop.Mail.Sent.First());
    }
}
