namespace Recourse.Server;

/// <summary>Why a file cannot be read, in words that do not repeat its name.</summary>
internal static class FileTrouble
{
    public static string Words(Exception error) => error switch
    {
        FileNotFoundException => "there is no such file",
        DirectoryNotFoundException => "its folder does not exist",
        UnauthorizedAccessException => "it is a folder, or this user may not read it",
        _ => error.Message.TrimEnd('.'),
    };
}
