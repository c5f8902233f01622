using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.MySql;

/// <summary>What becomes of a row that is there already.</summary>
public enum MySqlWrite
{
    /// <summary>It is replaced.</summary>
    Upsert,

    /// <summary>It stays as it is.</summary>
    InsertIgnore,
}

/// <summary>What the key column of a table that espipe makes can hold.</summary>
public enum MySqlKeyType
{
    /// <summary>Text of up to 768 characters, compared byte by byte.</summary>
    Text,

    /// <summary>Up to 3072 bytes of UTF-8, which most clients show as binary data.</summary>
    Bytes,
}

/// <summary>How a table is written.</summary>
public sealed record MySqlSinkOptions : MySqlOptions
{
    /// <summary>Options as they are when nothing is given.</summary>
    public MySqlSinkOptions()
    {
    }

    /// <summary>Options that write to the table of others.</summary>
    internal MySqlSinkOptions(MySqlOptions table)
        : base(table)
    {
    }

    /// <summary>What becomes of rows that are there.</summary>
    [Option("--db-write", "Replace rows that are there, or leave them as they are", Environment = ["DB_WRITE"], Identity = true)]
    public MySqlWrite Write { get; init; } = MySqlWrite.Upsert;

    /// <summary>The type of a new table's key.</summary>
    [Option("--db-key-type", "Key column of a table that is made: text of 768 characters, or 3072 bytes for longer keys")]
    public MySqlKeyType KeyType { get; init; } = MySqlKeyType.Text;

    /// <summary>Writers.</summary>
    [Option("--db-connections", "Connections that write at once, at most", Environment = ["DB_CONNECTIONS"], Min = 1, Max = 64)]
    public int Connections { get; init; } = 4;
}
