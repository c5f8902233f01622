using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>How far a job has been read, as the checkpoint and the ledger in it know.</summary>
/// <param name="Start">Where reading begins if the checkpoint has no position of its own for the job.</param>
/// <param name="First">The index of the file to go on with; the number of files where there is nothing more to read.</param>
/// <param name="Offset">Bytes of that file that have been read.</param>
/// <param name="IsSaved">The checkpoint has a position for it.</param>
/// <param name="IsAnew">It was read, and its files are other ones now.</param>
internal readonly record struct JobProgress(HadoopPosition Start, int First, long Offset, bool IsSaved, bool IsAnew)
{
    /// <summary>Looks it up.</summary>
    public static JobProgress Of(JobFolder job, IReadOnlyDictionary<PartitionId, Position> savedPositions, JobLedger ledger)
    {
        var saved = savedPositions.TryGetValue(job.Id, out var text) ? HadoopPosition.Parse(text) : null;
        var position = saved ?? (ledger.DigestOf(job.Folder) is { } digest ? HadoopPosition.Done(digest) : HadoopPosition.Start);
        return position.IndexIn(job) is { } first
            ? new JobProgress(saved is null ? position : HadoopPosition.Start, first, position.Offset, saved is not null, false)
            : new JobProgress(HadoopPosition.Start, 0, 0, saved is not null, true);
    }
}
