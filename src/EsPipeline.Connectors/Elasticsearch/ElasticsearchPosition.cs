using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// A place in a shard (or in a slice of an index that has no sequence numbers). It names the index's UUID and the history of the shard's
/// sequence numbers, so that one of an index that was deleted and made again, or restored, is never mistaken for a place in this one; and
/// no cursor of the server, so that it outlives them all. Its text begins with <c>es1:</c> and has one of four forms.
/// </summary>
/// <param name="IndexUuid">The index's UUID; <see cref="Unknown"/> where the user may not see it.</param>
internal abstract record ElasticsearchPosition(string IndexUuid)
{
    /// <summary>Stands for a UUID that the user may not see.</summary>
    public const string Unknown = "-";

    private const string Prefix = "es1:";
    private const string End = "end";
    private const string None = "-";
    private const string Open = "*";

    /// <summary>As saved.</summary>
    public abstract Position ToPosition();

    /// <exception cref="Core.Errors.PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static ElasticsearchPosition Parse(Position position)
    {
        var parts = position.Value.Split(':');
        ElasticsearchPosition? parsed = parts switch
        {
            ["es1", var uuid, "range", var shard, var history, var checkpoint, var time, var from, var to, var after]
                when Whole(shard) is { } s && Whole(checkpoint) is { } c && IsWholeOr(None, time) && Whole(from) is { } f && IsWholeOr(Open, to) && IsWholeOr(End, after)
                => new RangePosition(uuid, (int)s, history, c, Whole(time), f, Whole(to), Whole(after)),
            ["es1", var uuid, "follow", var shard, var history, var time, var after] when Whole(shard) is { } s && IsWholeOr(None, time) && Whole(after) is { } a
                => new FollowPosition(uuid, (int)s, history, a, Whole(time)),
            ["es1", var uuid, "time", var shard, var history, var upTo, var next, var after]
                when Whole(shard) is { } s && IsWholeOr(None, upTo) && IsWholeOr(None, next) && Whole(after) is { } a
                => new TimePosition(uuid, (int)s, history, Whole(upTo), Whole(next), a),
            ["es1", var uuid, "slice", var slice, var slices, var upTo, var next, var state]
                when Whole(slice) is { } i && Whole(slices) is { } n && IsWholeOr(None, upTo) && IsWholeOr(None, next) && state is End or "begin"
                => new SlicePosition(uuid, (int)i, (int)n, Whole(upTo), Whole(next), state == End),
            _ => null,
        };
        return parsed ?? throw CheckpointErrors.BadPosition.Error($"'{position}' is not a position in Elasticsearch.");
    }

    private protected Position Text(FormattableString rest) => new(Prefix + IndexUuid + ":" + FormattableString.Invariant(rest));

    private protected static string Or(string none, long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? none;

    private static long? Whole(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static bool IsWholeOr(string word, string text) => text == word || Whole(text) is not null;

    /// <summary>The text of <see cref="RangePosition"/>.</summary>
    private protected Position RangeText(RangePosition p) =>
        Text($"range:{p.Shard}:{p.History}:{p.Checkpoint}:{Or(None, p.Time)}:{p.From}:{Or(Open, p.To)}:{Or(End, p.After)}");

    /// <summary>The text of <see cref="FollowPosition"/>.</summary>
    private protected Position FollowText(FollowPosition p) => Text($"follow:{p.Shard}:{p.History}:{Or(None, p.Time)}:{p.After}");

    /// <summary>The text of <see cref="TimePosition"/>.</summary>
    private protected Position TimeText(TimePosition p) =>
        Text($"time:{p.Shard}:{p.History}:{Or(None, p.UpTo)}:{Or(None, p.Next)}:{p.After}");

    /// <summary>The text of <see cref="SlicePosition"/>.</summary>
    private protected Position SliceText(SlicePosition p) =>
        Text($"slice:{p.Slice}:{p.Slices}:{Or(None, p.UpTo)}:{Or(None, p.Next)}:{(p.Ended ? End : "begin")}");
}

/// <summary>A place in a part of a shard's snapshot: <c>range:shard:history:checkpoint:time:from:to:after</c>.</summary>
/// <param name="IndexUuid">The index's UUID.</param>
/// <param name="Shard">The shard's number.</param>
/// <param name="History">The shard's history UUID.</param>
/// <param name="Checkpoint">The shard's global checkpoint before anything was read: changes begin behind it.</param>
/// <param name="Time">The latest time in the time field then, in milliseconds since 1970, where changes are followed by time.</param>
/// <param name="From">Sequence numbers above this belong to the part.</param>
/// <param name="To">Those up to this do; null for all that the view has.</param>
/// <param name="After">Those up to this are read; null when all are.</param>
internal sealed record RangePosition(string IndexUuid, int Shard, string History, long Checkpoint, long? Time, long From, long? To, long? After)
    : ElasticsearchPosition(IndexUuid)
{
    /// <summary>True where nothing of the part has been read.</summary>
    public bool IsAtStart => After == From;

    public override Position ToPosition() => RangeText(this);
}

/// <summary>A place in a shard's changes: <c>follow:shard:history:time:after</c>.</summary>
/// <param name="IndexUuid">The index's UUID.</param>
/// <param name="Shard">The shard's number.</param>
/// <param name="History">The shard's history UUID.</param>
/// <param name="After">Every operation up to this sequence number has been read.</param>
/// <param name="Time">Where a snapshot that is to be followed by time is being completed: its <see cref="RangePosition.Time"/>.</param>
internal sealed record FollowPosition(string IndexUuid, int Shard, string History, long After, long? Time = null) : ElasticsearchPosition(IndexUuid)
{
    public override Position ToPosition() => FollowText(this);
}

/// <summary>A place in a shard's changes by time: <c>time:shard:history:upTo:next:after</c>.</summary>
/// <param name="IndexUuid">The index's UUID.</param>
/// <param name="Shard">The shard's number.</param>
/// <param name="History">The shard's history UUID.</param>
/// <param name="UpTo">Times up to this (milliseconds since 1970) have been read; null for none.</param>
/// <param name="Next">What <paramref name="UpTo"/> becomes when the pass that is under way is done; null between passes.</param>
/// <param name="After">Within the pass, sequence numbers up to this have been read; -1 between passes.</param>
internal sealed record TimePosition(string IndexUuid, int Shard, string History, long? UpTo, long? Next, long After) : ElasticsearchPosition(IndexUuid)
{
    public override Position ToPosition() => TimeText(this);
}

/// <summary>A slice of an index without sequence numbers; there is no place within it: <c>slice:slice:slices:upTo:next:begin</c>.</summary>
/// <param name="IndexUuid">The index's UUID.</param>
/// <param name="Slice">The slice's number.</param>
/// <param name="Slices">How many there are.</param>
/// <param name="UpTo">Times up to this (milliseconds since 1970) were read by earlier passes; null for none.</param>
/// <param name="Next">Those up to this are, when the slice is; null where no time was asked for.</param>
/// <param name="Ended">True when the slice has been read.</param>
internal sealed record SlicePosition(string IndexUuid, int Slice, int Slices, long? UpTo, long? Next, bool Ended) : ElasticsearchPosition(IndexUuid)
{
    public override Position ToPosition() => SliceText(this);
}
