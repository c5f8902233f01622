using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.Files;

/// <summary>Tells files from devices and pipes, which have no length to cut back to and must never be replaced by a rename.</summary>
internal static partial class FileKind
{
    private const int CurrentFolder = -100;
    private const uint WantType = 1;

    /// <summary>True for a regular file, and for a name that nothing has yet.</summary>
    public static bool IsRegularOrMissing(string path)
    {
        if (!OperatingSystem.IsLinux()) return !path.StartsWith("/dev/", StringComparison.Ordinal);
        if (StatX(CurrentFolder, path, 0, WantType, out var status) != 0) return true;
        var type = status.Mode & 0xF000;
        return type is 0x8000 or 0x4000;
    }

    // struct statx of linux/stat.h, the same on every architecture: 256 bytes, the mode at byte 28.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(28)]
        public ushort Mode;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int folder, string path, int flags, uint mask, out Status status);
}
