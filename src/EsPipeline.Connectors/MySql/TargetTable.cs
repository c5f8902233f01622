using EsPipeline.Connectors.Columns;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// The table that a sink writes to: made where it is missing, compared where it is there, and known by more columns as documents with more
/// fields come. Everything but <see cref="Current"/> runs on a connection's thread; safe for several at once.
/// </summary>
internal sealed class TargetTable(MySqlSinkOptions options, RunOptions run, FieldMemory memory, ILogger log)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _learnt = new(StringComparer.Ordinal);
    private Dictionary<string, EpochUnit> _epochs = [];
    private SourceField[] _named = [];
    private TableLayout? _layout;
    private (RowEncoder Encoder, TableWriter Writer)? _current;
    private bool _hasSample;
    private bool _isRehearsal;

    /// <summary>How records become rows now, and who writes these rows.</summary>
    public (RowEncoder Encoder, TableWriter Writer) Current
    {
        get
        {
            lock (_lock) return _current ?? throw new InvalidOperationException("The table was not prepared.");
        }
    }

    /// <summary>How records lie in the table.</summary>
    public TableLayout Layout
    {
        get
        {
            lock (_lock) return _layout ?? throw new InvalidOperationException("The table was not prepared.");
        }
    }

    /// <summary>False where the table is still to be made, from documents.</summary>
    public bool IsReady
    {
        get
        {
            lock (_lock) return _current is not null;
        }
    }

    /// <summary>True where the first documents have not told yet which columns the table is to have, or which of its columns are theirs.</summary>
    public bool NeedsSample
    {
        get
        {
            lock (_lock) return _current is not { } current || (!_hasSample && _layout is { Shape: MySqlShape.Columns } layout && layout.ColumnsBeside(current.Encoder.Columns).Any());
        }
    }

    /// <summary>Looks at the table, and tries the rights on it, without changing anything.</summary>
    /// <returns>Its layout; null where it is missing.</returns>
    public TableLayout? Probe(MySqlSession session)
    {
        if (MySqlTable.Read(session, options.Database, options.Table) is not { } table) return null;
        var layout = TableLayout.Of(table, options, reading: false);
        TableFit.Check(layout, SourceSchema.Unknown);
        IReadOnlyList<MySqlColumn> columns = layout.Content is { } content ? [layout.Key[0], content] : [layout.Key[0]];
        new TableWriter(session.Server, layout, columns, options.Write, log).TryRights(session);
        return layout;
    }

    /// <summary>Makes the table where it is missing and its columns are known; compares it where it is there.</summary>
    public void Prepare(MySqlSession session, SourceSchema schema)
    {
        schema = DocumentFields.Kept(schema, run);
        var exists = Look(session, schema);
        memory.Found(!exists || session.Rows($"SELECT {_layout!.Key[0].Quoted} FROM {_layout.Table.Quoted} LIMIT 1").Count == 0);
        if (exists) return;
        if (options.Shape != MySqlShape.Columns)
        {
            Create(session, TableDesign.OfDocuments(session.Server, options), []);
        }
        else
        {
            MakeOfSchema(session, schema);
        }
    }

    /// <summary>
    /// Compares the table where it is there, and makes nothing where it is missing, neither now nor in <see cref="Make"/>: the table that a run
    /// would make is imagined.
    /// </summary>
    /// <returns>True where it is there.</returns>
    public bool PrepareRehearsal(MySqlSession session, SourceSchema schema)
    {
        _isRehearsal = true;
        schema = DocumentFields.Kept(schema, run);
        if (Look(session, schema)) return true;
        if (options.Shape != MySqlShape.Columns) Use(session, TableDesign.LayoutOfDocuments(session.Server, options), []);
        else MakeOfSchema(session, schema);
        return false;
    }

    /// <summary>
    /// Makes the table with columns for the fields of the first documents, and for those that <c>--fields</c> names; of one that is there,
    /// learns which columns are the documents'.
    /// </summary>
    /// <returns>False where there is none among the records that is no delete, so that nothing can be known of the columns.</returns>
    public bool Make(MySqlSession session, IReadOnlyList<RecordSlice> sample)
    {
        lock (_lock)
        {
            if (DocumentFields.Of(sample) is not { } found) return _current is not null;
            if (_current is not null)
            {
                _hasSample = true;
                Use(session, _layout!, found.Select(f => f.Path));
                return true;
            }

            var known = _named.Select(f => f.Kind == FieldKind.Unknown ? found.FirstOrDefault(seen => seen.Path == f.Path) ?? f : f);

            // A few records with a strange field are set aside; one that somebody names is a mistake.
            var good = found.Where(f => SqlText.MistakeIn(f.Path) is null);
            SourceField[] fields = [.. known.Concat(good).Concat(DocumentFields.Wanted(run)).DistinctBy(f => f.Path, StringComparer.Ordinal)];
            MakeOf(session, fields);
            return true;
        }
    }

    /// <summary>Takes note of fields that documents have and the table has columns for.</summary>
    /// <returns>True where the documents are to be encoded anew.</returns>
    public bool Learn(MySqlSession session, RowEncoder encoder, RecordSlice slice)
    {
        lock (_lock)
        {
            if (_current?.Encoder != encoder) return true;
            var before = _learnt.Count;
            var fields = ((ColumnEncoder)encoder).NewFields(slice).Where(f => _layout!.Table.Find(f) is not null).ToArray();
            Use(session, _layout!, fields);
            return _learnt.Count > before;
        }
    }

    /// <summary>The document under a key; null where there is none.</summary>
    public byte[]? Read(MySqlSession session, ReadOnlySpan<byte> key)
    {
        TableLayout layout;
        RowEncoder encoder;
        lock (_lock)
        {
            if (_current is not { } current) return null;
            (layout, encoder) = (_layout!, current.Encoder);
        }

        var keys = new RowBlock();
        keys.Clear(1);
        return encoder.AppendKey(key, 0, keys) is null ? RowLookup.Find(session, layout, keys[0, 0]) : null;
    }

    private bool Look(MySqlSession session, SourceSchema schema)
    {
        _epochs = schema.Fields.Where(f => f.Kind == FieldKind.Timestamp).ToDictionary(f => f.Path, f => EpochOf(f.Format), StringComparer.OrdinalIgnoreCase);
        if (MySqlTable.Read(session, options.Database, options.Table) is not { } table) return false;
        var layout = TableLayout.Of(table, options, reading: false);
        TableFit.Check(layout, schema);

        // A field that documents have lost must not stay in their rows.
        Use(session, layout, DocumentFields.TopOf(schema).Concat(DocumentFields.Wanted(run)).Select(f => f.Path)
            .Concat(table.Columns.Where(c => c.IsField).Select(c => c.Name)).Concat(memory.Columns));
        return true;
    }

    // What a source only has a name for, such as a column of a CSV file, the documents tell.
    private void MakeOfSchema(MySqlSession session, SourceSchema schema)
    {
        _named = [.. DocumentFields.TopOf(schema)];
        if (_named.Length > 0 && _named.All(f => f.Kind != FieldKind.Unknown)) MakeOf(session, _named);
    }

    private void MakeOf(MySqlSession session, SourceField[] fields)
    {
        if (_isRehearsal) Use(session, TableDesign.LayoutOfColumns(session.Server, options, fields), fields.Select(f => f.Path));
        else Create(session, TableDesign.OfColumns(session.Server, options, fields), fields);
    }

    private void Create(MySqlSession session, string statement, IReadOnlyList<SourceField> fields)
    {
        session.Execute(statement);
        var table = MySqlTable.Read(session, options.Database, options.Table)
            ?? throw TableErrors.NoTable.Error($"The table {options.Database}.{options.Table} is not there though it was just made.");
        var layout = TableLayout.Of(table, options, reading: false);
        TableFit.Check(layout, SourceSchema.Unknown);
        Use(session, layout, fields.Select(f => f.Path));
    }

    private void Use(MySqlSession session, TableLayout layout, IEnumerable<string> fields)
    {
        lock (_lock)
        {
            foreach (var field in fields)
            {
                if (_learnt.Add(field) && layout.Table.Find(field) is { } column && column.Name != field) Log.MySqlFieldRenamed(log, field, column.Name);
            }

            RowEncoder encoder = layout.Shape == MySqlShape.Document
                ? new DocumentEncoder(layout)
                : new ColumnEncoder(layout, _learnt, name => _epochs.GetValueOrDefault(name));
            _layout = layout;
            _current = (encoder, new TableWriter(session.Server, layout, encoder.Columns, options.Write, log));
        }
    }

    // The first that counts from 1970 decides, unless one before it reads digits alone as something else, as yyyyMMdd does.
    private static EpochUnit EpochOf(string? format)
    {
        foreach (var name in format?.Split("||", StringSplitOptions.TrimEntries) ?? [])
        {
            if (name == "epoch_second") return EpochUnit.Seconds;
            if (name == "epoch_millis") return EpochUnit.Milliseconds;
            if (name is "basic_date" or "basic_ordinal_date" or "year" or "weekyear" or "strict_year" or "strict_weekyear" || name.All("yuMdDHmsS".Contains)) return EpochUnit.None;
        }

        return EpochUnit.None;
    }
}
