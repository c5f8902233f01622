using System.Reflection;
using System.Runtime.InteropServices;

namespace EsPipeline.Connectors;

/// <summary>
/// Finds the native libraries of this assembly under the names that they have on Linux, macOS and Windows. One place for all of them,
/// because an assembly can have only one resolver.
/// </summary>
internal static class NativeLibraries
{
    /// <summary>Zstandard.</summary>
    public const string Zstd = "zstd";

    /// <summary>MariaDB Connector/C.</summary>
    public const string MariaDb = "mariadb";

    private static readonly Dictionary<string, string[]> Names = new()
    {
        [Zstd] = ["libzstd.so.1", "libzstd.1.dylib", "libzstd.dll", "zstd"],
        [MariaDb] =
        [
            "libmariadb.so.3", "libmariadb.3.dylib", "libmariadb.dll",
            "/opt/homebrew/opt/mariadb-connector-c/lib/mariadb/libmariadb.3.dylib", "/usr/local/opt/mariadb-connector-c/lib/mariadb/libmariadb.3.dylib",
        ],
    };

    static NativeLibraries() => NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);

    /// <summary>Makes sure that the names are known; a class that imports functions calls it before the first of them.</summary>
    public static void Register()
    {
        // The static constructor does it, once.
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        foreach (var candidate in Names.GetValueOrDefault(name, []))
        {
            if (NativeLibrary.TryLoad(candidate, assembly, path, out var handle)) return handle;
        }

        return 0;
    }
}
