using System.Threading.Channels;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>
/// A lane for each writer, for partitions in which a key may come again: records of one key always go through one lane, in the order
/// in which they were read, and a unit is compacted to the last record of each key.
/// </summary>
/// <param name="lanes">How many writers there are.</param>
/// <param name="compact">False for a sink that is to see every record.</param>
internal sealed class KeyLanes(int lanes, bool compact) : WriteQueue
{
    // Keys that differ only in their last characters share a lane, so that numbers which rise go through it in runs of a hundred. A store
    // that keeps rows by key writes runs one after the other into full pages; with single keys dealt out, each writer split the pages that
    // another one had just filled: a table of MariaDB took twice the space, and the server half as much processor time again.
    private const int RunCharacters = 2;

    private readonly Lane[] _lanes = [.. Enumerable.Range(0, lanes).Select(_ => new Lane())];

    public override async ValueTask AddAsync(InFlightBatch batch, CancellationToken ct)
    {
        if (lanes == 1)
        {
            await _lanes[0].Items.Writer.WriteAsync((batch, batch.Batch.Records), ct).ConfigureAwait(false);
            return;
        }

        foreach (var (lane, records) in Split(batch.Batch.Records.Span))
        {
            await _lanes[lane].Items.Writer.WriteAsync((batch, records), ct).ConfigureAwait(false);
        }
    }

    public override void Complete()
    {
        foreach (var lane in _lanes) lane.Items.Writer.TryComplete();
    }

    public override async ValueTask<WriteUnit?> TakeAsync(int writer, UnitSize size, CancellationToken ct)
    {
        var lane = _lanes[writer];
        if (lane.Rest.IsEmpty && !await lane.NextAsync(ct).ConfigureAwait(false)) return null;

        var unit = new WriteUnit();
        while (!lane.Rest.IsEmpty)
        {
            var (count, bytes) = Fit(unit, lane.Rest.Span, size);
            if (count == 0) break;

            // A sink that sees every record is saved between batches only: none is begun that does not fit as a whole.
            if (!compact && unit.Count > 0 && count < lane.Rest.Length) break;
            unit.Append(lane.Batch!, lane.Rest[..count], bytes);
            lane.Rest = lane.Rest[count..];
            unit.EndsBatch = lane.Rest.IsEmpty;
            if (!unit.EndsBatch || !lane.TryNext()) break;
        }

        if (compact) unit.Compact();
        return unit;
    }

    private List<(int Lane, ReadOnlyMemory<Record> Records)> Split(ReadOnlySpan<Record> records)
    {
        var laneOf = new byte[records.Length];
        Span<int> counts = stackalloc int[lanes];
        for (var i = 0; i < records.Length; i++)
        {
            var lane = (int)(KeyHash.Compute64(RunOf(records[i].Key.Span), 1) % (uint)lanes);
            laneOf[i] = (byte)lane;
            counts[lane]++;
        }

        var split = new Record[lanes][];
        Span<int> filled = stackalloc int[lanes];
        for (var i = 0; i < records.Length; i++)
        {
            var lane = laneOf[i];
            (split[lane] ??= new Record[counts[lane]])[filled[lane]++] = records[i];
        }

        var parts = new List<(int, ReadOnlyMemory<Record>)>(lanes);
        for (var lane = 0; lane < lanes; lane++)
        {
            if (split[lane] is { } part) parts.Add((lane, part));
        }

        return parts;
    }

    private static ReadOnlySpan<byte> RunOf(ReadOnlySpan<byte> key) => key[..Math.Max(key.Length - RunCharacters, key.Length / 2)];

    private sealed class Lane
    {
        public Channel<(InFlightBatch Batch, ReadOnlyMemory<Record> Records)> Items { get; } =
            Channel.CreateBounded<(InFlightBatch, ReadOnlyMemory<Record>)>(WaitingBatches);

        public InFlightBatch? Batch { get; private set; }

        public ReadOnlyMemory<Record> Rest { get; set; }

        public async ValueTask<bool> NextAsync(CancellationToken ct)
        {
            while (Rest.IsEmpty)
            {
                if (!await Items.Reader.WaitToReadAsync(ct).ConfigureAwait(false)) return false;
                TryNext();
            }

            return true;
        }

        public bool TryNext()
        {
            while (Items.Reader.TryRead(out var item))
            {
                (Batch, Rest) = (item.Batch, item.Records);
                if (!Rest.IsEmpty) return true;
            }

            return false;
        }
    }
}
