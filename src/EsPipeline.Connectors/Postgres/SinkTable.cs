using System.Globalization;
using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The table that is written to, and the statements that write it.</summary>
internal sealed class SinkTable
{
    // Kept by the connection, empty between two transactions.
    private const string MakeStaging =
        $"CREATE TEMPORARY TABLE IF NOT EXISTS {SinkStatements.StagingName} (key text NOT NULL, document jsonb) ON COMMIT DELETE ROWS";

    private const string FindUniqueIndex = """
        SELECT 1::text FROM pg_index i WHERE i.indrelid = $1::text::oid AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
          AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
               WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey[0:i.indnkeyatts - 1])) = (SELECT array_agg(k ORDER BY k) FROM unnest($2) k)
        LIMIT 1
        """;

    // Row-level BEFORE triggers (pg_trigger.h: TRIGGER_TYPE_ROW 1, TRIGGER_TYPE_BEFORE 2) of the table or one of its parts.
    private const string FindTriggers =
        "SELECT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = ANY($1::text[]::oid[]) AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 3 = 3)::text";

    private const string FindUnlogged = "SELECT EXISTS (SELECT FROM pg_class WHERE oid = ANY($1::text[]::oid[]) AND relpersistence = 'u')::text";

    private const string FindOwnReferences =
        "SELECT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY($1::text[]::oid[]) AND confrelid = ANY($1::text[]::oid[]))::text";

    private readonly PostgresTable _table;
    private readonly PostgresColumn? _content;
    private readonly KnownFields _known;
    private readonly bool _isTriggered;
    private readonly bool _refersToItself;
    private SinkStatements _statements;

    private SinkTable(PostgresTable table, PostgresColumn? content, KnownFields known, bool isTriggered, bool refersToItself)
    {
        (_table, _content, _known, _isTriggered, _refersToItself) = (table, content, known, isTriggered, refersToItself);
        (Name, KeyColumns) = (table.Name, table.Key.Count);
        _statements = new SinkStatements(table, content, known.Names, isTriggered);
    }

    /// <summary>Its name, quoted for SQL.</summary>
    public string Name { get; }

    /// <summary>How many columns its key has.</summary>
    public int KeyColumns { get; }

    /// <summary>True where the document is one column, false where each field is.</summary>
    public bool IsDocument => _content is not null;

    /// <summary>True where a record reads back under its own key: texts do, while <c>007</c> as a number is <c>7</c>.</summary>
    public bool KeepsKeys => _table.Key is [{ Form: ValueForm.Text, IsPadded: false }];

    /// <summary>
    /// The columns that are written, those of the key among them: the document's, or those of fields that documents are known to have. More
    /// may come with each write.
    /// </summary>
    public IEnumerable<string> WrittenColumns => Statements.Written.Select(c => c.Name);

    /// <summary>The columns that could be written, and are left as they are since documents are not known to have fields for them.</summary>
    public IReadOnlyCollection<string> OtherColumns => Statements.Others;

    /// <summary>The columns of the key, quoted for SQL, with commas between.</summary>
    public string KeyNames => string.Join(", ", _table.Key.Select(k => SqlText.Name(k.Name)));

    /// <summary>How what was written is read; the server promises nothing of its text.</summary>
    public RowFormat ReadingFormat => new(_table with { Columns = Statements.Written }, IsDocument, checksText: true);

    /// <summary>The columns of the key that take other texts for equal, quoted for SQL.</summary>
    public IEnumerable<string> BlurredKeys => _table.Key.Where(k => k.Blurs).Select(k => SqlText.Name(k.Name));

    /// <summary>The same for a table of another name, without triggers and with a key that tells all texts apart; both learn of new fields together.</summary>
    public SinkTable Named(string name)
    {
        PostgresColumn Told(PostgresColumn column) => column.Blurs && _table.Key.Contains(column) ? column with { Type = "text", Blurs = false } : column;
        return new(_table with { Name = name, Columns = [.. _table.Columns.Select(Told)], Key = [.. _table.Key.Select(Told)] }, _content, _known, isTriggered: false, refersToItself: false);
    }

    // Made anew where more fields are known.
    private SinkStatements Statements
    {
        get
        {
            var (statements, names) = (_statements, _known.Names);
            if (statements.Fields != names) _statements = statements = new SinkStatements(_table, _content, names, _isTriggered);
            return statements;
        }
    }

    /// <summary>The column of the key that takes keys for one which are written differently, without its being noticed; null for none.</summary>
    public PostgresColumn? BlurringKey => _table.Key.FirstOrDefault(
        k => k.Form is ValueForm.Numeric or ValueForm.Uuid or ValueForm.Float or ValueForm.Date or ValueForm.Timestamp or ValueForm.TimestampTz);

    /// <summary>True where documents are written into one column.</summary>
    public static bool TakesDocuments(PostgresTable table, TableShape shape) => shape == TableShape.Document || (shape == TableShape.Auto && ContentOf(table) is not null);

    /// <summary>True where triggers of a table, or of a part of it, may change rows or keep them out.</summary>
    public static Task<bool> HasTriggersAsync(NpgsqlConnection connection, PostgresTable table, CancellationToken ct) =>
        IsTrueOfAsync(connection, table, FindTriggers, ct);

    /// <summary>True where what a table holds, or a part of it, is gone after the server crashed.</summary>
    public static Task<bool> IsUnloggedAsync(NpgsqlConnection connection, PostgresTable table, CancellationToken ct) =>
        IsTrueOfAsync(connection, table, FindUnlogged, ct);

    /// <summary>Looks at a table, and says what does not fit.</summary>
    /// <param name="connection">Any connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="shape">Whether documents lie in one column.</param>
    /// <param name="known">The fields that documents have; those are added that columns were made for.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<SinkTable> OfAsync(NpgsqlConnection connection, PostgresTable table, TableShape shape, KnownFields known, CancellationToken ct)
    {
        if (table.Key.Count == 0) throw PostgresErrors.TableMisfit.Error($"{table.Name} has no primary key.", "Add one, or name unique columns with --pg-key.");
        var keys = table.Key.Select(k => k.Name).ToArray();
        var unique = await PostgresDatabase.RowsAsync(
            connection, FindUniqueIndex, ct, table.Oid.ToString(CultureInfo.InvariantCulture), keys).ConfigureAwait(false);
        if (unique.Count == 0)
        {
            throw PostgresErrors.TableMisfit.Error($"{table.Name} has no unique index on exactly {string.Join(", ", keys)}, so rows can't be replaced by their key.");
        }

        await SinkHealth.CheckRowSecurityAsync(connection, table, ct).ConfigureAwait(false);
        var content = ContentOf(table);
        var isDocument = TakesDocuments(table, shape);
        var isTriggered = await HasTriggersAsync(connection, table, ct).ConfigureAwait(false);
        var refersToItself = await IsTrueOfAsync(connection, table, FindOwnReferences, ct).ConfigureAwait(false);
        known.Add(table.Columns.Where(c => c.IsField).Select(c => c.Name));
        if (!isDocument) return new SinkTable(table, null, known, isTriggered, refersToItself);
        if (content is null) throw PostgresErrors.TableMisfit.Error($"{table.Name} has no column '{RowFormat.ContentColumn}' of type json or jsonb.");
        if (table.Columns.FirstOrDefault(c => !c.Nullable && c != content && !table.Key.Contains(c) && !c.IsGenerated && !c.HasDefault) is { } missing)
        {
            throw PostgresErrors.TableMisfit.Error($"{table.Name} has the column '{missing.Name}', which is neither key nor content and takes no null.");
        }

        return new SinkTable(table, content, known, isTriggered, refersToItself);
    }

    /// <summary>True where it holds no row.</summary>
    public async Task<bool> IsEmptyAsync(NpgsqlConnection connection, CancellationToken ct) =>
        (await PostgresDatabase.RowAsync(connection, $"SELECT EXISTS (SELECT FROM {Name})::text", ct).ConfigureAwait(false))[0] == "false";

    /// <summary>Writes records in one transaction.</summary>
    /// <param name="connection">A connection.</param>
    /// <param name="slice">The records.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="before">What comes first in the transaction; null for nothing.</param>
    /// <param name="after">What comes last in it; null for nothing.</param>
    /// <param name="learnt">Told before anything is written, once it is known which columns will be.</param>
    public async Task<WriteResult> WriteAsync(
        NpgsqlConnection connection,
        RecordSlice slice,
        CancellationToken ct,
        Func<NpgsqlConnection, CancellationToken, Task>? before = null,
        Func<NpgsqlConnection, CancellationToken, Task>? after = null,
        Func<SinkTable, CancellationToken, ValueTask>? learnt = null)
    {
        var transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            if (before is not null) await before(connection, ct).ConfigureAwait(false);
            await PostgresDatabase.ExecuteAsync(connection, MakeStaging, ct).ConfigureAwait(false);
            var stream = await connection.BeginRawBinaryCopyAsync("COPY espipe_staging FROM STDIN (FORMAT binary)", ct).ConfigureAwait(false);
            await StagingWriter.WriteAsync(stream, slice, ct).ConfigureAwait(false);
            await LearnAsync(connection, ct).ConfigureAwait(false);
            if (learnt is not null) await learnt(this, ct).ConfigureAwait(false);
            var statements = Statements;
            var (failures, taken) = statements.FindMisfits is { } find ? await TakeMisfitsAsync(connection, find, ct).ConfigureAwait(false) : ([], []);
            var unchanged = taken.Count - failures.Count;
            var merged = await MergeAsync(connection, statements, HasDeletes(slice), ct).ConfigureAwait(false);
            if (statements.FindKeptOut is null)
            {
                unchanged += int.Parse(merged[0][0]!, CultureInfo.InvariantCulture);
            }
            else
            {
                var (keptOut, same) = await KeptOutAsync(connection, statements, merged, ct).ConfigureAwait(false);
                unchanged += same;
                int[] left = [.. Enumerable.Range(0, slice.Count).Where(i => !taken.Contains(i))];
                failures.AddRange(keptOut.Select(f => f with { Index = left[f.Index] }));
            }

            if (after is not null) await after(connection, ct).ConfigureAwait(false);
            await transaction.CommitAsync(ct).ConfigureAwait(false);
            return new WriteResult(slice.Count - failures.Count - unchanged, unchanged, failures);
        }
    }

    /// <summary>The document under a key; null where there is none.</summary>
    public async Task<byte[]?> ReadAsync(NpgsqlConnection connection, string key, CancellationToken ct)
    {
        if (KeyText.Split(key, KeyColumns) is not { } values) return null;
        var rows = await PostgresDatabase.RowsAsync(connection, Statements.Read, ct, [.. values]).ConfigureAwait(false);
        return rows is [[{ } json, ..], ..] ? Encoding.UTF8.GetBytes(json) : null;
    }

    private static PostgresColumn? ContentOf(PostgresTable table) =>
        table.Find(RowFormat.ContentColumn) is { Form: ValueForm.Json or ValueForm.BinaryJson, IsPlain: true } column ? column : null;

    private static async Task<bool> IsTrueOfAsync(NpgsqlConnection connection, PostgresTable table, string question, CancellationToken ct)
    {
        var tables = table.Stores.Select(s => s.Oid).Append(table.Oid).Select(oid => oid.ToString(CultureInfo.InvariantCulture)).ToArray();
        return (await PostgresDatabase.RowAsync(connection, question, ct, (object)tables).ConfigureAwait(false))[0] == "true";
    }

    private static bool HasDeletes(RecordSlice slice)
    {
        for (var i = 0; i < slice.Count; i++)
        {
            if (slice[i].Operation == RecordOperation.Delete) return true;
        }

        return false;
    }

    // Documents of the staging table may have fields that none had before and that the table has columns for.
    private async Task LearnAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (Statements.FindFields is not { } find) return;
        var found = await PostgresDatabase.RowsAsync(connection, find, ct).ConfigureAwait(false);
        _known.Add(found.Select(f => f[0]!));
    }

    // Takes out what can't be written as it is, and says which records these are. A delete of a key that no row can have has nothing to do.
    private async Task<(List<RecordFailure> Failures, HashSet<int> Taken)> TakeMisfitsAsync(NpgsqlConnection connection, string find, CancellationToken ct)
    {
        var rows = await PostgresDatabase.RowsAsync(connection, find, ct).ConfigureAwait(false);
        if (rows.Count == 0) return ([], []);
        await PostgresDatabase.ExecuteAsync(
            connection, $"DELETE FROM {SinkStatements.StagingName} WHERE ctid = ANY($1::text[]::tid[])", ct, (object)rows.Select(r => r[1]).ToArray()).ConfigureAwait(false);
        return (rows.Where(r => r[7] != "true").Select(MisfitOf).ToList(), [.. rows.Select(r => int.Parse(r[0]!, CultureInfo.InvariantCulture))]);
    }

    // Deletes come last where rows refer to others of the same table: one that is to refer to another from now on would keep the old one from
    // going, or go with it.
    private async Task<List<string?[]>> MergeAsync(NpgsqlConnection connection, SinkStatements statements, bool deletes, CancellationToken ct)
    {
        if (deletes && !_refersToItself) await PostgresDatabase.ExecuteAsync(connection, statements.Delete, ct).ConfigureAwait(false);
        var answer = await PostgresDatabase.RowsAsync(connection, statements.Merge, ct).ConfigureAwait(false);
        if (deletes && _refersToItself) await PostgresDatabase.ExecuteAsync(connection, statements.Delete, ct).ConfigureAwait(false);
        return answer;
    }

    // What the server does not say it wrote was there already, or was kept out by a trigger or another key's row: the table itself shows which.
    private async Task<(IEnumerable<RecordFailure> KeptOut, int Same)> KeptOutAsync(
        NpgsqlConnection connection, SinkStatements statements, List<string?[]> unsure, CancellationToken ct)
    {
        if (unsure.Count == 0) return ([], 0);
        var keptOut = await PostgresDatabase.RowsAsync(connection, statements.FindKeptOut!, ct, (object)unsure.Select(r => r[0]).ToArray()).ConfigureAwait(false);
        var failures = keptOut.Select(r => new RecordFailure(
            int.Parse(r[0]!, CultureInfo.InvariantCulture),
            r[2] == "true" ? PostgresErrors.KeyCollides : PostgresErrors.KeptOut,
            r[2] == "true" ? $"{Name} holds a row of another key that its column ({string.Join(", ", BlurredKeys)}) takes for this one."
            : r[1] == "true" ? $"A trigger of {Name} kept the row from being deleted."
            : $"A trigger of {Name} kept the row out, or as it was."));
        return (failures, unsure.Count(r => r[1] != "true") - keptOut.Count(r => r[1] != "true"));
    }

    private RecordFailure MisfitOf(string?[] row)
    {
        var index = int.Parse(row[0]!, CultureInfo.InvariantCulture);
        if (row[6] == "true") return new RecordFailure(index, PostgresErrors.BadKey, $"{Name} would keep its key as another one than it is.");
        if (row[2] is { } unknown) return new RecordFailure(index, PostgresErrors.UnknownField, $"{Name} has no column for the field '{unknown}'.");
        if (row[3] is { } other) return new RecordFailure(index, PostgresErrors.KeyDiffers, $"Its field '{other}' is not its key, and the column '{other}' holds the key.");
        var column = _table.Find(row[4]!)!;
        return new RecordFailure(index, PostgresErrors.ValueMisfit, column.IsIdentity
            ? $"The column '{column.Name}' is GENERATED ALWAYS AS IDENTITY, so it does not take '{row[5]}': leave the field out, or ALTER COLUMN {SqlText.Name(column.Name)} SET GENERATED BY DEFAULT."
            : $"The column '{column.Name}' of type {column.DeclaredType} does not hold '{row[5]}' as it is.");
    }
}
