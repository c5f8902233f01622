namespace EsPipeline.Connectors.Postgres;

/// <summary>The steps in which the source reads.</summary>
internal sealed record SourceTuning
{
    /// <summary>What it does unless a test says otherwise.</summary>
    public static SourceTuning Default { get; } = new();

    /// <summary>Rows or keys that are asked for at once.</summary>
    public int BatchRecords { get; init; } = 1000;

    /// <summary>Records in a batch of a snapshot that COPY delivers, which costs nothing a batch: mostly its bytes end it.</summary>
    public int CopyRecords { get; init; } = 10_000;

    /// <summary>Bytes after which a batch ends; one record may be larger.</summary>
    public int BatchBytes { get; init; } = 1 << 20;

    /// <summary>
    /// Blocks of 8 KiB in one COPY: 16 MiB, so that breaking off leaves little to be read to its end, and asking again costs nothing beside
    /// reading.
    /// </summary>
    public uint WindowBlocks { get; init; } = 2048;

    /// <summary>Fewer blocks than these are not divided among readers.</summary>
    public uint LeastBlocks { get; init; } = 64;

    /// <summary>How far behind the present rows are looked for: times that the application took before it began its transaction.</summary>
    public TimeSpan HorizonMargin { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often it is looked how much of the server's log the replication slot holds back.</summary>
    public TimeSpan SlotLooks { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of log held back from which on it is worth saying.</summary>
    public long MuchHeldBack { get; init; } = 1L << 30;

    /// <summary>
    /// How long the stream of changes stays open while nobody takes what it has delivered. The server can't end one that it waits to send to, and
    /// a checkpoint which has to remove that one's log would wait with it.
    /// </summary>
    public TimeSpan LongestStall { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often it is counted which rows have no time in the column that every update sets.</summary>
    public TimeSpan NullTimesLooks { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The longest that the server may be silent: <c>--pg-timeout</c>.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);
}
