using System.Security.Cryptography;
using System.Text.Json;
using EsPipeline.Core.Errors;
using YamlDotNet.Core;
using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// What documents are made of, as <c>--pg-documents</c> says it in YAML: the table with a row for each, the SQL that reads whole documents by
/// a list of keys, and the other tables that they depend on.
/// </summary>
internal sealed class DocumentsFile
{
    /// <summary>The table with a row for each document.</summary>
    public string Root { get; set; } = "";

    /// <summary>The column of its key, which the documents have too; the primary key where it is left out.</summary>
    public string Key { get; set; } = "";

    /// <summary>Its column that every update sets; may be left out.</summary>
    public string Updated { get; set; } = "";

    /// <summary>SELECT with one row a document and its key among the columns; <c>@keys</c> in it stands for an array of keys.</summary>
    public string Document { get; set; } = "";

    /// <summary>The other tables.</summary>
    public List<DependsOn> Tables { get; set; } = [];

    /// <summary>A table that documents depend on.</summary>
    internal sealed class DependsOn
    {
        /// <summary>The table.</summary>
        public string Table { get; set; } = "";

        /// <summary>The column by whose values documents are found; the primary key where it is left out.</summary>
        public string Column { get; set; } = "";

        /// <summary>Its column that every update sets; may be left out.</summary>
        public string Updated { get; set; } = "";

        /// <summary>SELECT of the documents' keys for values of the column, <c>@keys</c>; left out where the column is the documents' key.</summary>
        public string Roots { get; set; } = "";
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="PipelineException">It can't be read, or lacks something.</exception>
    public static DocumentsFile Read(string path)
    {
        DocumentsFile file;
        try
        {
            using var text = File.OpenText(path);
            file = new DeserializerBuilder().WithNamingConvention(CamelCaseNamingConvention.Instance).Build().Deserialize<DocumentsFile>(text)
                ?? throw PostgresErrors.BadDocuments.Error($"{path} is empty.");
        }
        catch (Exception e) when (e is YamlException or IOException or UnauthorizedAccessException)
        {
            var place = e is YamlException yaml ? $" line {yaml.Start.Line}" : "";
            throw PostgresErrors.BadDocuments.Error($"{path}{place}: {(e.InnerException ?? e).Message}", inner: e);
        }

        if (file.Root.Length == 0) throw PostgresErrors.BadDocuments.Error($"{path} names no 'root' table.");
        CheckQuery(path, "document", file.Document);
        foreach (var table in file.Tables)
        {
            if (table.Table.Length == 0) throw PostgresErrors.BadDocuments.Error($"{path} has an item in 'tables' that names no 'table'.");
            if (table.Roots.Length > 0) CheckQuery(path, $"roots of {table.Table}", table.Roots);
        }

        return file;
    }

    /// <summary>
    /// What tells these documents from others: a hash of everything that is said of them, which comments and the file's name are no part of.
    /// </summary>
    public string Fingerprint() => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this)).AsSpan(0, 8));

    private static void CheckQuery(string path, string name, string sql)
    {
        if (!sql.Contains("@keys", StringComparison.Ordinal)) throw PostgresErrors.BadDocuments.Error($"{path}: '{name}' is no SELECT with @keys in it.");
    }
}
