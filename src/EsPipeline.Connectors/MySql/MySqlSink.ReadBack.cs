using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.MySql;

/// <content>How records read back: encoded as a write does, through a temporary table of the same columns.</content>
public sealed partial class MySqlSink : IVerifiableSink
{
    /// <inheritdoc/>
    public async Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct)
    {
        var exists = await _connections.RunAsync(
            session =>
            {
                Limits = LimitsFor(session.Server.MaxAllowedPacket);
                return _target.PrepareRehearsal(session, schema);
            },
            ct).ConfigureAwait(false);
        if (!exists) throw TableErrors.NoTable.Error($"There is no table {_options.Database}.{_options.Table}: nothing has been copied there.");

        // The table's shape has been found out; the source is to read it in no other.
        var source = new MySqlSource(
            new MySqlSourceOptions(_options) { Shape = _target.Layout.Shape }, new RunOptions(), _time, NullLogger<MySqlSource>.Instance);
        return new ReadBackPlace(source)
        {
            Fields = _target.Layout.Shape == MySqlShape.Columns ? () => [.. _target.Current.Encoder.Columns.Select(c => c.Name)] : null,
        };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        var (rows, keys) = (Block(), Block());
        try
        {
            var total = new SliceResult();
            var writer = await EncodeAsync(slice, KeyOrder.Of(slice, MySqlWrite.Upsert), rows, keys, total, ct).ConfigureAwait(false);
            var mirror = new MirrorTable(_target.Layout, writer.Columns, _log);
            await WriteRowsAsync((session, block, first, count) => mirror.ReadBack(session, block, first, count, output), rows, int.MaxValue, total, ct).ConfigureAwait(false);
            return total.ToResult().Failures;
        }
        finally
        {
            _blocks.Add(rows);
            _blocks.Add(keys);
        }
    }
}
