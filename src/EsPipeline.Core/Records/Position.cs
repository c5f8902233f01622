namespace EsPipeline.Core.Records;

/// <summary>
/// A place in a partition from which reading goes on. Opaque to the engine; printable, at most 4 KiB, and versioned by the source
/// that wrote it (<c>es1:…</c>), so that a later release still reads it or says that it can't.
/// </summary>
/// <param name="Value">The text.</param>
public readonly record struct Position(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>The name of a partition: the same part of the data has the same name after a restart.</summary>
/// <param name="Value">Printable text, such as <c>orders#0</c>.</param>
public readonly record struct PartitionId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}
