using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Sinks;

/// <summary>
/// A sink whose documents can be compared with what they were made of: <c>espipe verify</c> reads its place back, and asks the sink how each
/// record of the source reads back once it is written.
/// </summary>
public interface IVerifiableSink : IDataSink
{
    /// <summary>
    /// Called once, instead of <see cref="IDataSink.PrepareAsync"/> or before it: looks at the place, and changes nothing that outlives the
    /// connection. The place's source is the caller's, who disposes it.
    /// </summary>
    /// <exception cref="PipelineException">
    /// It can't be reached, or is not there; <see cref="Verification.VerifyErrors.NotComparable"/> where what is written there can't be
    /// foretold, such as behind an ingest pipeline.
    /// </exception>
    Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct);

    /// <summary>
    /// Writes records into <paramref name="output"/> as they would read back, made by the code that writes them. Nothing of it reaches the
    /// place. Called by several at once, but by one alone and in source order in an <see cref="IResumableSink"/>.
    /// </summary>
    /// <param name="slice">Records as a write would be given them, each key once; deletes only in an <see cref="IResumableSink"/>.</param>
    /// <param name="output">One record for each that would be taken, in any order, or a malformed one where it would be unreadable there.</param>
    /// <param name="ct">Cancels it.</param>
    /// <returns>Each record that would be refused for good, once.</returns>
    Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct);
}

/// <summary>Where a sink's documents are read back.</summary>
/// <param name="Source">Reads all that is there, whoever has written it.</param>
public sealed record ReadBackPlace(IDataSource Source)
{
    /// <summary>True where a record reads back under its own key; false where it may have another one there, such as the document's own id.</summary>
    public bool KeepsKeys { get; init; } = true;

    /// <summary>True where a number with a fraction or an exponent is a binary one (IEEE 754) of 64 bits, and is compared as such.</summary>
    public bool FractionsAreDoubles { get; init; }

    /// <summary>
    /// For a place with a column for each field: the fields that the sink writes, as far as it has met them; others are the server's own and
    /// are not compared, and null is the same as none. Null for a place that holds documents.
    /// </summary>
    public Func<IReadOnlyCollection<string>>? Fields { get; init; }
}
