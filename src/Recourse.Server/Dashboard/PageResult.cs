using System.Text;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Recourse.Server.Dashboard;

// Draws a page and sends it. HtmlRenderer, and not RazorComponentResult: that one needs AddRazorComponents, which brings data protection
// keys on disk and antiforgery into every application that mounts the dashboard, for circuits and forms that it does not have.
internal sealed class PageResult<TPage, TModel>(PageContext page, TModel model, int status = StatusCodes.Status200OK) : IResult
    where TPage : IComponent
    where TModel : class
{
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; "
        + "frame-ancestors 'none'; base-uri 'none'";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var body = Encoding.UTF8.GetBytes(await RenderAsync(httpContext.RequestServices));
        var response = httpContext.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = body.Length;
        response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        // Not no-referrer: browsers would then send our own forms with "Origin: null".
        response.Headers["Referrer-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Opener-Policy"] = "same-origin";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        await response.Body.WriteAsync(body, httpContext.RequestAborted);
    }

    private async Task<string> RenderAsync(IServiceProvider services)
    {
        await using var renderer = new HtmlRenderer(services, services.GetRequiredService<ILoggerFactory>());
        var parameters = ParameterView.FromDictionary(
            new Dictionary<string, object?> { [nameof(PageRoot.Content)] = (RenderFragment)Draw });
        return await renderer.Dispatcher.InvokeAsync(async () =>
            (await renderer.RenderComponentAsync<PageRoot>(parameters)).ToHtmlString());
    }

    // Page and model reach the components as cascading values, because these may be internal where parameters may not.
    private void Draw(RenderTreeBuilder builder) => Cascade(builder, page, context => Cascade(context, model, inner =>
    {
        if (page.Fragment)
        {
            Add<Parts.Masthead>(inner);
            Add<TPage>(inner);
            return;
        }
        inner.OpenComponent<Parts.Layout>(0);
        inner.AddComponentParameter(1, nameof(Parts.Layout.Body), (RenderFragment)Add<TPage>);
        inner.CloseComponent();
    }));

    private static void Add<TComponent>(RenderTreeBuilder builder) where TComponent : IComponent
    {
        builder.OpenComponent<TComponent>(0);
        builder.CloseComponent();
    }

    private static void Cascade<TValue>(RenderTreeBuilder builder, TValue value, RenderFragment content)
    {
        builder.OpenComponent<CascadingValue<TValue>>(0);
        builder.AddComponentParameter(1, "Value", value);
        builder.AddComponentParameter(2, "IsFixed", true);
        builder.AddComponentParameter(3, "ChildContent", content);
        builder.CloseComponent();
    }
}

internal sealed class PageRoot : IComponent
{
    private RenderHandle _handle;

    public RenderFragment? Content { get; private set; }

    public void Attach(RenderHandle renderHandle) => _handle = renderHandle;

    public Task SetParametersAsync(ParameterView parameters)
    {
        Content = parameters.GetValueOrDefault<RenderFragment>(nameof(Content));
        _handle.Render(Content!);
        return Task.CompletedTask;
    }
}
