namespace Recourse.Server;

/// <summary>Shows the name of a store without the password that a connection string may hold.</summary>
public static class StoreName
{
    /// <summary>True for a file that is still to be made: nothing can be in it yet.</summary>
    internal static bool IsMissingFile(string store) =>
        store.StartsWith("sqlite:", StringComparison.Ordinal) && !File.Exists(store["sqlite:".Length..]);

    /// <summary>For people and logs: <c>sqlite:/path</c> as it is, <c>postgres://user@host/db</c> without what follows the colon.</summary>
    public static string Shown(string store) =>
        Uri.TryCreate(store, UriKind.Absolute, out var address) && address.UserInfo.Length > 0
            ? $"{address.Scheme}://{address.UserInfo.Split(':')[0]}@{address.Authority}{address.AbsolutePath}"
            : store;
}
