using Recourse.Tables;

namespace Recourse;

/// <summary>
/// The HRESULT of an IOException. On Windows it wraps a Win32 error; elsewhere .NET puts the bare errno there.
/// </summary>
internal static class HResults
{
    private const int Win32Facility = unchecked((int)0x80070000);

    internal static Classification? Find(IOException exception, CodeTable table)
    {
        var code = exception.HResult;
        if ((code & unchecked((int)0xFFFF0000)) == Win32Facility) return table.Family("hresult")?.FindListed(code);
        return code is > 0 and < 256 && !OperatingSystem.IsWindows() ? table.Family("errno")?.FindListed(code) : null;
    }
}
