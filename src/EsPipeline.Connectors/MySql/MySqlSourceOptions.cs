using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.MySql;

/// <summary>How a table is read.</summary>
public sealed record MySqlSourceOptions : MySqlOptions
{
    /// <summary>Options as they are when nothing is given.</summary>
    public MySqlSourceOptions()
    {
    }

    /// <summary>Options that read the table of others.</summary>
    internal MySqlSourceOptions(MySqlOptions table)
        : base(table)
    {
    }

    /// <summary>The time of the last change.</summary>
    [Option("--db-updated-column", "DATETIME or TIMESTAMP column with the time of a row's last change, to follow changes by",
        Environment = ["DB_UPDATED_COLUMN"], Value = "COLUMN", Identity = true)]
    public string? UpdatedColumn { get; init; }

    /// <summary>DATETIME columns are UTC whatever the server's zone is.</summary>
    [Option("--db-utc-times", "DATETIME columns hold UTC though the server has another time zone")]
    public bool UtcTimes { get; init; }

    /// <inheritdoc/>
    public override IEnumerable<string> Mistakes()
    {
        foreach (var mistake in base.Mistakes()) yield return mistake;
        if (UpdatedColumn is { Length: > 0 } column && SqlText.MistakeIn(column) is { } wrong) yield return $"--db-updated-column: {wrong}";
    }
}
