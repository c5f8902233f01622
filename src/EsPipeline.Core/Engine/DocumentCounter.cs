using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Engine;

/// <summary>Asks a sink that can be asked how many documents it holds, before a run and after it.</summary>
/// <remarks>A number to compare the account with: where it can't be had, nothing is wrong with what was copied.</remarks>
internal sealed class DocumentCounter(IDataSink sink, ILogger log)
{
    private long? _before;

    /// <summary>Asks before anything is written.</summary>
    /// <param name="isWhole">True where the run begins to copy all of its source: what is there already may be left from another time.</param>
    /// <param name="ct">Ends it.</param>
    public async Task BeginAsync(bool isWhole, CancellationToken ct)
    {
        _before = await CountAsync(ct).ConfigureAwait(false);
        if (isWhole && _before > 0) Log.NotEmpty(log, ((ICountableSink)sink).Place, _before.Value);
    }

    /// <summary>Asks after everything was.</summary>
    public async Task<DocumentCount?> EndAsync(CancellationToken ct) =>
        _before is { } before && await CountAsync(ct).ConfigureAwait(false) is { } after ? new DocumentCount(((ICountableSink)sink).Place, before, after) : null;

    private async Task<long?> CountAsync(CancellationToken ct)
    {
        if (sink is not ICountableSink countable) return null;
        try
        {
            return await countable.CountAsync(ct).ConfigureAwait(false);
        }
        catch (PipelineException e)
        {
            Log.NotCounted(log, countable.Place, e.Message);
            return null;
        }
    }
}
