namespace EsPipeline.Core.Records;

/// <summary>Changes or leaves out records between the source and the sink. Safe for many threads.</summary>
public interface IRecordTransform
{
    /// <summary>True where records get other keys than the source gave them, so that a key may come twice though the source's do not.</summary>
    bool ChangesKeys { get; }

    /// <summary>
    /// Applies the rules to a batch, which it takes over and disposes. The answer has the same end; a record that the rules can't be
    /// applied to is malformed in it.
    /// </summary>
    /// <param name="batch">The batch as read.</param>
    /// <param name="filtered">How many records were left out.</param>
    RecordBatch Apply(RecordBatch batch, out int filtered);
}
