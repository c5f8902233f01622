using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Conformance;

/// <summary>A record, copied out of its batch.</summary>
public sealed record ReadRecord(string Key, string Json, RecordOperation Operation, long Version, long Place)
{
    internal static ReadRecord Of(in Record record) => new(
        Encoding.UTF8.GetString(record.Key.Span), Encoding.UTF8.GetString(record.Json.Span), record.Operation, record.Version, record.Place);
}

/// <summary>A batch, copied.</summary>
/// <param name="Partition">Where it came from.</param>
/// <param name="End">Its end.</param>
/// <param name="Records">Its records.</param>
/// <param name="Malformed">What in it could not be read, each with its place as a person reads it.</param>
public sealed record ReadBatch(
    PartitionId Partition, Position End, IReadOnlyList<ReadRecord> Records, IReadOnlyList<(string Place, MalformedRecord Found)> Malformed);

/// <summary>What a pass over a source has yielded.</summary>
/// <param name="Partitions">The partitions, as planned.</param>
/// <param name="Batches">Every batch; those of one partition in order.</param>
/// <param name="Saved">How far each partition was read, as the next plan wants it.</param>
/// <param name="Retries">How often reading had to go on after a failure.</param>
public sealed record SourceReading(
    IReadOnlyList<Partition> Partitions, IReadOnlyList<ReadBatch> Batches, IReadOnlyDictionary<PartitionId, Position> Saved, int Retries)
{
    /// <summary>Every record.</summary>
    public IEnumerable<ReadRecord> Records => Batches.SelectMany(b => b.Records);

    /// <summary>Everything malformed.</summary>
    public IEnumerable<(string Place, MalformedRecord Found)> Malformed => Batches.SelectMany(b => b.Malformed);

    /// <summary>What a keyed sink would hold after these records, on top of what it held before.</summary>
    public Dictionary<string, string> Apply(IReadOnlyDictionary<string, string>? before = null)
    {
        var documents = before is null ? new Dictionary<string, string>() : new Dictionary<string, string>(before);
        foreach (var record in Records)
        {
            if (record.Operation == RecordOperation.Delete) documents.Remove(record.Key);
            else documents[record.Key] = record.Json;
        }

        return documents;
    }
}

/// <summary>What a test does while a source is being read.</summary>
public sealed record ReadHooks
{
    /// <summary>Called after each batch, with how many there have been.</summary>
    public Func<int, Task> OnBatch { get; init; } = _ => Task.CompletedTask;

    /// <summary>Called after a failure that may pass, before reading goes on; a pause follows, as in the engine.</summary>
    public Func<EsPipeline.Core.Errors.PipelineException, Task> OnFailure { get; init; } = _ => Task.CompletedTask;
}
