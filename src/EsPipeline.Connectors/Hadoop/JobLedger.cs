using System.Buffers.Binary;
using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// The jobs that have been read to their end, 16 bytes each however many files they have: half of it stands for the folder, half for the
/// files' names, versions and sizes. It is kept in the checkpoint as partitions that hold nothing to read: a partition's start is the
/// list itself, and its name changes with it, so that the list is saved together with the plan that it belongs to.
/// </summary>
internal sealed class JobLedger
{
    private const string IdStart = "ledger:";
    private const string Tag = "hadoop1:ledger:";
    private const int EntryBytes = 16;

    // A position has at most 4 KiB: 180 entries are 3,840 characters of base64.
    private const int EntriesInPartition = 180;

    private readonly Dictionary<ulong, ulong> _digests = [];

    /// <summary>True for a partition that holds a part of a ledger.</summary>
    public static bool Holds(PartitionId id) => id.Value.StartsWith(IdStart, StringComparison.Ordinal);

    /// <summary>Reads what was saved.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="CheckpointErrors.BadPosition"/>.</exception>
    public static JobLedger Read(IReadOnlyDictionary<PartitionId, Position> saved)
    {
        var ledger = new JobLedger();
        foreach (var (_, position) in saved.Where(p => Holds(p.Key)).OrderBy(p => p.Key.Value, StringComparer.Ordinal))
        {
            var bytes = new byte[EntriesInPartition * EntryBytes];
            if (!position.Value.StartsWith(Tag, StringComparison.Ordinal)
                || !Convert.TryFromBase64String(position.Value[Tag.Length..], bytes, out var length) || length % EntryBytes != 0)
            {
                throw CheckpointErrors.BadPosition.Error($"'{position}' is not a list of finished jobs.");
            }

            for (var at = 0; at < length; at += EntryBytes)
            {
                ledger._digests[BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at))] = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at + 8));
            }
        }

        return ledger;
    }

    /// <summary>The digest that a folder's job had when it was read; null where it was not.</summary>
    public ulong? DigestOf(string folder) => _digests.TryGetValue(Name(folder), out var digest) ? digest : null;

    /// <summary>Adds a job that has been read.</summary>
    public void Add(string folder, ulong digest) => _digests[Name(folder)] = digest;

    /// <summary>Takes a job off, because it is to be read again.</summary>
    public void Remove(string folder) => _digests.Remove(Name(folder));

    /// <summary>The ledger as the checkpoint keeps it.</summary>
    public IEnumerable<Partition> Partitions()
    {
        foreach (var (number, entries) in _digests.Chunk(EntriesInPartition).Index())
        {
            var bytes = new byte[entries.Length * EntryBytes];
            foreach (var (i, (name, digest)) in entries.Index())
            {
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(i * EntryBytes), name);
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan((i * EntryBytes) + 8), digest);
            }

            yield return new Partition(new PartitionId($"{IdStart}{number:000000}:{KeyHash.Compute64(bytes, 0):x16}"), new Position(Tag + Convert.ToBase64String(bytes)))
            {
                Extent = 0,
            };
        }
    }

    private static ulong Name(string folder) => KeyHash.Compute64(Encoding.UTF8.GetBytes(folder), 1);
}
