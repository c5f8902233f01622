using System.Text;

namespace EsPipeline.Core.Sinks;

/// <summary>A sink that can be asked for what it holds under a key, so that a write can be checked by reading it back.</summary>
public interface IReadableSink : IDataSink
{
    /// <summary>The document under <paramref name="key"/> as JSON; null where there is none. Sees every write that has returned.</summary>
    Task<byte[]?> ReadAsync(ReadOnlyMemory<byte> key, CancellationToken ct);

    /// <summary>A document to try the sink with, whose field <c>espipe_monitor</c> holds <paramref name="mark"/> in the form that the sink takes.</summary>
    byte[] TestDocument(Guid mark) => Encoding.UTF8.GetBytes($"{{\"espipe_monitor\":\"{mark:N}\"}}");
}
