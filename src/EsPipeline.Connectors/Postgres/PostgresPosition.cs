using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>A place in the write-ahead log.</summary>
/// <param name="Lsn">The place.</param>
/// <param name="Timeline">The server's timeline, which is another one after each promotion; null where that was not noted.</param>
internal readonly record struct LogPlace(ulong Lsn, uint? Timeline);

/// <summary>What was noted before a snapshot's first row was read: from there on changes are looked for.</summary>
/// <param name="Transaction">Every transaction below this number had ended (<c>pg_snapshot_xmin</c>, 64 bits).</param>
/// <param name="Time">Every row with an updated column below this was visible, in microseconds since 1970; null where that is not known.</param>
/// <param name="Log">The place in the write-ahead log from which the replication slot delivers; null where there is none.</param>
internal readonly record struct SnapshotMark(ulong Transaction, long? Time, LogPlace? Log)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Transaction}:{PostgresPosition.OrNone(Time)}:{PostgresPosition.OrNone(Log?.Lsn)}{(Log?.Timeline is { } t ? $".{t}" : "")}");
}

/// <summary>A place in PostgreSQL's rows or changes. Its text begins with <c>pg1:</c> and has one of eight forms.</summary>
internal abstract record PostgresPosition
{
    private const string Prefix = "pg1:";
    private const string None = "-";
    private const string End = "end";

    /// <summary>As saved.</summary>
    public Position ToPosition() => new(Prefix + Text);

    /// <summary>The text behind the prefix.</summary>
    protected abstract string Text { get; }

    /// <summary>A checksum by which a position knows what is too long to be in it.</summary>
    protected static uint SumOf(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(bytes));

    /// <exception cref="Core.Errors.PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static PostgresPosition Parse(Position position)
    {
        PostgresPosition? parsed = position.Value.Split(':') switch
        {
            ["pg1", "blocks", var store, var file, var from, var to, var after, var transaction, var time, var lsn]
                when Number(store) is { } s && Number(file) is { } f && Number(from) is { } first && IsNumberOr(None, to) && PlaceOf(after, out var place)
                    && MarkOf(transaction, time, lsn) is { } mark
                => new BlocksPosition((uint)s, (uint)f, (uint)first, (uint?)Number(to), place, mark),
            ["pg1", "age", var transaction, var time, var lsn] when MarkOf(transaction, time, lsn) is { } mark => new AgePosition(mark),
            ["pg1", "key", "end"] => new KeyPosition(null, IsEnd: true),
            ["pg1", "key", None] => new KeyPosition(null, IsEnd: false),
            ["pg1", "key", ['=', .. var key]] => new KeyPosition(Uri.UnescapeDataString(key), IsEnd: false),
            ["pg1", "time", var time] when Signed(time) is { } t => new TimePosition(t),
            ["pg1", "log", var commit, var index, var safe, .. var timeline] when Number(commit) is { } c && IsNumberOr(End, index) && Number(safe) is { } s
                && (timeline.Length == 0 || (timeline.Length == 1 && Number(timeline[0]) is not null))
                => new LogPosition(c, (long?)Number(index), new LogPlace(s, timeline.Length == 0 ? null : (uint?)Number(timeline[0]))),
            ["pg1", "division", var sum] when Number(sum) is { } n => new DivisionPosition((uint)n, ""),
            ["pg1", "division", var sum, var steps] when Number(sum) is { } n && steps.Split('.').All(s => Number(s) is not null) => new DivisionPosition((uint)n, steps),
            ["pg1", "columns", var sum] when Number(sum) is { } n => new ColumnsPosition((uint)n),
            _ => null,
        };
        return parsed ?? throw CheckpointErrors.BadPosition.Error($"'{position}' is not a position in PostgreSQL.");
    }

    /// <summary>What was noted when the snapshot of these positions began, or the earliest of several; nothing where none says.</summary>
    public static SnapshotMark OldestMark(IEnumerable<PostgresPosition> positions) => positions
        .Select(p => p switch { BlocksPosition b => b.Mark, AgePosition a => a.Mark, _ => default(SnapshotMark?) })
        .OfType<SnapshotMark>().OrderBy(m => m.Transaction).FirstOrDefault();

    /// <summary>A number, or a dash for none.</summary>
    public static string OrNone<T>(T? number)
        where T : struct, IFormattable => number?.ToString(null, CultureInfo.InvariantCulture) ?? None;

    private protected static string PlaceText(RowPlace? place) => place is { } p ? string.Create(CultureInfo.InvariantCulture, $"{p.Block}.{p.Offset}") : End;

    private protected static string IndexText(long? index) => index?.ToString(CultureInfo.InvariantCulture) ?? End;

    private static ulong? Number(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static long? Signed(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static bool IsNumberOr(string word, string text) => text == word || Number(text) is not null;

    private static SnapshotMark? MarkOf(string transaction, string time, string lsn) =>
        Number(transaction) is { } x && (time == None || Signed(time) is not null) && LogOf(lsn, out var log) ? new SnapshotMark(x, Signed(time), log) : null;

    // A dash, the place, or the place and the timeline.
    private static bool LogOf(string text, out LogPlace? place)
    {
        place = null;
        if (text == None) return true;
        var parts = text.Split('.');
        if (parts.Length > 2 || parts.Any(p => Number(p) is null)) return false;
        place = new LogPlace(Number(parts[0])!.Value, parts.Length == 1 ? null : (uint?)Number(parts[1]));
        return true;
    }

    private static bool PlaceOf(string text, out RowPlace? place)
    {
        place = null;
        if (text == End) return true;
        if (text.Split('.') is not [var block, var offset] || Number(block) is not { } b || Number(offset) is not { } o) return false;
        place = new RowPlace((uint)b, (ushort)o);
        return true;
    }
}

/// <summary>A place in a range of a table's blocks: <c>blocks:store:file:from:to:after:mark</c>.</summary>
/// <param name="Store">The number of the table or partition in which the rows lie.</param>
/// <param name="FileNode">The file that it lay in: in another one, places mean other rows.</param>
/// <param name="From">The range's first block.</param>
/// <param name="To">The block behind its last; null for all that there are.</param>
/// <param name="After">Rows up to this place are read; null when all are.</param>
/// <param name="Mark">What was noted when the snapshot began.</param>
internal sealed record BlocksPosition(uint Store, uint FileNode, uint From, uint? To, RowPlace? After, SnapshotMark Mark) : PostgresPosition
{
    /// <summary>True where nothing of the range has been read.</summary>
    public bool IsAtStart => After == new RowPlace(From, 0);

    /// <inheritdoc/>
    protected override string Text => string.Create(
        CultureInfo.InvariantCulture, $"blocks:{Store}:{FileNode}:{From}:{OrNone(To)}:{PlaceText(After)}:{Mark}");
}

/// <summary>A place in a table's changes by the age of its rows' versions: <c>age:mark</c>.</summary>
/// <param name="Mark">Versions by transactions below the mark's have been read; its time and place in the log are the snapshot's still.</param>
internal sealed record AgePosition(SnapshotMark Mark) : PostgresPosition
{
    /// <inheritdoc/>
    protected override string Text => $"age:{Mark}";
}

/// <summary>A place in the rows of a query: <c>key:=percent-encoded</c>, <c>key:-</c> or <c>key:end</c>.</summary>
/// <param name="Key">Rows up to the one of this key are read; null for none.</param>
/// <param name="IsEnd">True when all are.</param>
internal sealed record KeyPosition(string? Key, bool IsEnd) : PostgresPosition
{
    /// <inheritdoc/>
    protected override string Text => IsEnd ? "key:end" : Key is null ? "key:-" : "key:=" + Uri.EscapeDataString(Key);
}

/// <summary>A place in a table's changes by its updated column: <c>time:microseconds</c>.</summary>
/// <param name="From">Times before this (microseconds since 1970) have been read, and none can appear there any more.</param>
internal sealed record TimePosition(long From) : PostgresPosition
{
    /// <summary>Before all times that clocks have told: the beginning of the year 1.</summary>
    public static TimePosition Earliest { get; } = new(-62_135_596_800_000_000);

    /// <inheritdoc/>
    protected override string Text => string.Create(CultureInfo.InvariantCulture, $"time:{From}");
}

/// <summary>A place in the changes that a replication slot delivers: <c>log:commit:index:safe:timeline</c>, the last of which may be missing.</summary>
/// <param name="Commit">The place of the commit of the transaction that was read last.</param>
/// <param name="Index">How many of its changes have been read; null for all.</param>
/// <param name="Safe">The place that the slot may be moved to.</param>
internal sealed record LogPosition(ulong Commit, long? Index, LogPlace Safe) : PostgresPosition
{
    /// <summary>Where nothing of the log has been read.</summary>
    public static LogPosition Before(LogPlace place) => new(place.Lsn, null, place);

    /// <inheritdoc/>
    protected override string Text => string.Create(
        CultureInfo.InvariantCulture, $"log:{Commit}:{IndexText(Index)}:{Safe.Lsn}{(Safe.Timeline is { } t ? $":{t}" : "")}");
}

/// <summary>The columns that documents were made of: <c>columns:sum</c>.</summary>
/// <param name="Sum">A checksum of their names and types.</param>
internal sealed record ColumnsPosition(uint Sum) : PostgresPosition
{
    /// <summary>The columns that documents are made of now.</summary>
    public static ColumnsPosition Of(RowFormat rows) =>
        new(SumOf(Encoding.UTF8.GetBytes(string.Join('\n', rows.Columns.Select(c => $"{c.Name} {(c.MaxLength is null ? c.DeclaredType : c.Type)}")))));

    /// <inheritdoc/>
    protected override string Text => string.Create(CultureInfo.InvariantCulture, $"columns:{Sum}");
}
