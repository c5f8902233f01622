using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// What the system knows of a file besides its bytes: whether it is one at all, and not a device or a pipe, which have no length to cut back to and
/// must never be replaced by a rename; and which one it is, whatever its names are.
/// </summary>
public static partial class FileKind
{
    private const int CurrentFolder = -100;
    private const int OfHandle = 0x1000;
    private const int NoSuchFile = 2;
    private const int NotAFolder = 20;

    // What a network file system says of a file that another machine has removed.
    private const int Stale = 116;
    private const uint WantTypeAndInode = 0x101;
    private const uint WantSizeAndTime = 0x240;

    /// <summary>True for a regular file, and for a name that nothing has yet.</summary>
    public static bool IsRegularOrMissing(string path)
    {
        if (!OperatingSystem.IsLinux()) return !path.StartsWith("/dev/", StringComparison.Ordinal);
        if (StatX(CurrentFolder, path, 0, WantTypeAndInode, out var status) != 0) return true;
        var type = status.Mode & 0xF000;
        return type is 0x8000 or 0x4000;
    }

    /// <summary>True where both names lead to one file or folder that is there, over links or not; elsewhere than on Linux where they are the same, a link at their ends followed.</summary>
    public static bool AreSame(string one, string other)
    {
        if (!OperatingSystem.IsLinux()) return string.Equals(Final(one), Final(other), OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal);
        return StatX(CurrentFolder, one, 0, WantTypeAndInode, out var a) == 0 && StatX(CurrentFolder, other, 0, WantTypeAndInode, out var b) == 0 && a.IsOf(b);
    }

    /// <summary>
    /// False where a name leads to another file than the one that was opened, or to none. Elsewhere than on Linux only whether it leads to any; and true
    /// where the system can't say at the moment, which is no sign that somebody took it away.
    /// </summary>
    public static bool IsAt(SafeFileHandle open, string path)
    {
        if (!OperatingSystem.IsLinux()) return File.Exists(path);
        if (StatX((int)open.DangerousGetHandle(), "", OfHandle, WantTypeAndInode, out var a) != 0) return Marshal.GetLastPInvokeError() != Stale;
        return StatX(CurrentFolder, path, 0, WantTypeAndInode, out var b) == 0 ? a.IsOf(b) : Marshal.GetLastPInvokeError() is not (NoSuchFile or NotAFolder or Stale);
    }

    /// <summary>Its bytes, and when it was last changed (ticks, UTC): of the file itself and not of a link that leads to it.</summary>
    /// <exception cref="FileNotFoundException">It is not there.</exception>
    public static (long Length, long Modified) StateOf(string path)
    {
        if (OperatingSystem.IsLinux() && StatX(CurrentFolder, path, 0, WantSizeAndTime, out var status) == 0)
        {
            return (status.Length, DateTime.UnixEpoch.Ticks + (status.Seconds * TimeSpan.TicksPerSecond) + (status.Nanoseconds / TimeSpan.NanosecondsPerTick));
        }

        var file = new FileInfo(Final(path));
        return (file.Length, file.LastWriteTimeUtc.Ticks);
    }

    private static string Final(string path) => (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? Path.GetFullPath(path);

    // struct statx of linux/stat.h, the same on every architecture: 256 bytes.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(40)]
        public long Length;

        [FieldOffset(112)]
        public long Seconds;

        [FieldOffset(120)]
        public uint Nanoseconds;

        // Major and minor number of the device.
        [FieldOffset(136)]
        public ulong Device;

        public readonly bool IsOf(in Status other) => Inode == other.Inode && Device == other.Device;
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatX(int folder, string path, int flags, uint mask, out Status status);
}
