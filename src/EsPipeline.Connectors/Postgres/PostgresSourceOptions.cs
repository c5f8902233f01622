using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Postgres;

/// <summary>How changes are found.</summary>
public enum FollowWay
{
    /// <summary>By a column that every update sets, or, without one, by the age of the rows' versions. Deletes are not seen.</summary>
    UpdatedColumn,

    /// <summary>By logical replication: inserts, updates and deletes.</summary>
    Changes,
}

/// <summary>What is done when a table is emptied by TRUNCATE, which tells no rows.</summary>
public enum TruncateAnswer
{
    /// <summary>The run ends, until a person has said what is to become of the documents.</summary>
    Stop,

    /// <summary>The documents stay in the sink.</summary>
    Keep,
}

/// <summary>How a PostgreSQL database is read.</summary>
public sealed record PostgresSourceOptions : PostgresOptions
{
    private static readonly string[] OfTheLog = ["--pg-slot", "--pg-publication", "--pg-truncate", "--pg-max-slot-bytes"];

    /// <summary>Options as they are when nothing is given.</summary>
    public PostgresSourceOptions()
    {
    }

    /// <summary>Options that read the table where a sink writes.</summary>
    internal PostgresSourceOptions(PostgresOptions sink)
        : base(sink)
    {
    }

    /// <summary>The column that every update sets.</summary>
    [Option("--pg-updated-column", "Column of type timestamp that every insert and update sets to the current time", Value = "COLUMN", Identity = true)]
    public string UpdatedColumn { get; init; } = "";

    /// <summary>The file that says what documents are made of.</summary>
    [Option("--pg-documents", "YAML file that makes one document out of several tables, instead of --pg-table", Value = "FILE", Identity = true)]
    public string Documents { get; init; } = "";

    /// <summary>How changes are found.</summary>
    [Option("--pg-follow", "How changes are found: changes (logical replication, sees deletes too) or updated-column (without such a column by the rows' versions, which reads the table each time)",
        Identity = true)]
    public FollowWay Follow { get; init; } = FollowWay.UpdatedColumn;

    /// <summary>The replication slot.</summary>
    [Option("--pg-slot", "Replication slot, made where it is missing; each job needs one of its own", Value = "NAME", Default = "espipe_ and the job's name", Identity = true)]
    public string Slot { get; init; } = "";

    /// <summary>The publication.</summary>
    [Option("--pg-publication", "Publication, made where it is missing", Value = "NAME", Default = "as the slot", Identity = true)]
    public string Publication { get; init; } = "";

    /// <summary>What is done about TRUNCATE.</summary>
    [Option("--pg-truncate", "What to do when the table is emptied by TRUNCATE, which does not tell its rows: stop, or keep their documents and go on")]
    public TruncateAnswer Truncate { get; init; } = TruncateAnswer.Stop;

    /// <summary>How much a slot may hold back.</summary>
    [Option("--pg-max-slot-bytes", "Bytes of write-ahead log that the slot may hold back before the run drops it and stops; 0: only warns, from 1 GiB on", Value = "N", Min = 0)]
    public long MaxSlotBytes { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Mistakes()
    {
        if (Table.Length == 0 && Documents.Length == 0) yield return "--pg-table: give the table.";
        if (Table.Length > 0 && Documents.Length > 0) yield return "--pg-documents: the file names its tables; leave --pg-table out.";
        if (Documents.Length > 0 && !File.Exists(Documents)) yield return $"--pg-documents: there is no file '{Documents}'.";
        foreach (var mistake in MistakesInAddress()) yield return mistake;
        if (Follow != FollowWay.Changes)
        {
            // The environment may be that of several jobs.
            foreach (var name in OfTheLog.Where(n => OriginOf(n) == OptionOrigin.CommandLine))
            {
                yield return $"{name}: it is of no use without --pg-follow changes.";
            }
        }

        foreach (var (name, value) in new[] { ("--pg-slot", Slot), ("--pg-publication", Publication) })
        {
            if (value.Length > SlotName.MostCharacters || value.Any(c => !SlotName.Takes(c)))
            {
                yield return $"{name}: '{value}' is not 1 to 63 lower-case letters, digits and underscores.";
            }
        }
    }
}
