namespace EsPipeline.Connectors.Hadoop;

/// <summary>A file of a bucket or a folder, as its list shows it.</summary>
/// <param name="Path">Its path below the place that is read, with <c>/</c> between the names. A name as any other: never made a path on this machine unless it came from there.</param>
/// <param name="Size">Bytes as stored.</param>
/// <param name="Version">Another text where the content is another: S3's ETag, or a local file's time of change.</param>
internal sealed record StoredObject(string Path, long Size, string Version)
{
    /// <summary>The name without its folder.</summary>
    public string Name => Path[(Path.LastIndexOf('/') + 1)..];

    /// <summary>The folder with its closing <c>/</c>; empty at the top.</summary>
    public string Folder => Path[..(Path.LastIndexOf('/') + 1)];
}

/// <summary>An object is not the one that the list had shown: replaced or removed.</summary>
/// <param name="path">Its path.</param>
internal sealed class ObjectChangedException(string path) : Exception($"{path} is not what it was.")
{
    /// <summary>Its path.</summary>
    public string Path { get; } = path;
}

/// <summary>Where part files lie.</summary>
internal interface IObjectStore : IDisposable
{
    /// <summary>What it is, for a person.</summary>
    string Description { get; }

    /// <summary>What makes it the one that it is; see <see cref="Core.Telemetry.ConnectorHealth.Identity"/>.</summary>
    IReadOnlyDictionary<string, string> Identity { get; }

    /// <summary>What a person should know of it.</summary>
    IReadOnlyList<string> Warnings { get; }

    /// <summary>The whole name of an object, for a person.</summary>
    string NameOf(StoredObject file);

    /// <summary>Asks whether it can be listed.</summary>
    /// <exception cref="Core.Errors.PipelineException">It can't.</exception>
    Task CheckAsync(CancellationToken ct);

    /// <summary>Every object, in any order.</summary>
    /// <exception cref="Core.Errors.PipelineException">It can't be listed.</exception>
    Task<IReadOnlyList<StoredObject>> ListAsync(CancellationToken ct);

    /// <summary>Fills a buffer with the object's bytes from <paramref name="offset"/> on, which it has.</summary>
    /// <exception cref="ObjectChangedException">The object is not the one that was listed.</exception>
    /// <exception cref="Core.Errors.PipelineException">It can't be read.</exception>
    Task ReadAsync(StoredObject file, long offset, Memory<byte> buffer, CancellationToken ct);
}
