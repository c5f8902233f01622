using System.IO.Compression;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>How a part file is packed, by its name's ending.</summary>
internal static class Packing
{
    // Endings that Hadoop's codecs and file formats write and that are not read here, with what a person calls them.
    private static readonly Dictionary<string, string> Unknown = new(StringComparer.OrdinalIgnoreCase)
    {
        [".lz4"] = "LZ4", [".lzo"] = "LZO", [".lzo_deflate"] = "LZO", [".xz"] = "XZ", [".br"] = "Brotli", [".zip"] = "ZIP", [".7z"] = "7-Zip", [".z"] = "compress",
        [".tar"] = "TAR", [".tgz"] = "TAR", [".parquet"] = "Parquet", [".orc"] = "ORC", [".avro"] = "Avro", [".seq"] = "SequenceFile", [".rc"] = "RCFile",
    };

    /// <summary>True where the name says that the file is packed.</summary>
    public static bool IsPacked(StoredObject file) => Ending(file) is ".gz" or ".bz2" or ".zst" or ".snappy" or ".deflate";

    /// <summary>Refuses a file that can't be read, by what its list entry says.</summary>
    /// <exception cref="PipelineException"><see cref="HadoopErrors.UnknownPacking"/>, <see cref="HadoopErrors.Damaged"/>.</exception>
    public static void Check(StoredObject file, string name)
    {
        if (Unknown.TryGetValue(Ending(file), out var kind)) throw HadoopErrors.UnknownPacking.Error($"{name} is {kind}, which espipe can't read.");

        // Every packer writes something for nothing: what holds no byte was cut off.
        if (file.Size == 0 && IsPacked(file)) throw HadoopErrors.Damaged.Error($"{name} is empty, and packed files never are.");
    }

    /// <summary>The file's content out of its stored bytes.</summary>
    public static Stream Unpack(StoredObject file, Stream stored) => Ending(file) switch
    {
        ".gz" => new GzipMembers(stored),
        ".deflate" => new ZlibMembers(stored),
        ".zst" => new ZstdStream(stored, CompressionMode.Decompress),
        ".bz2" => new Bzip2Stream(stored),
        ".snappy" => new HadoopSnappyStream(stored),
        _ => stored,
    };

    private static string Ending(StoredObject file) => Path.GetExtension(file.Name).ToLowerInvariant();
}
