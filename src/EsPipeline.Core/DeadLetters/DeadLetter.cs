using System.Security.Cryptography;
using System.Text;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.DeadLetters;

/// <summary>A record that was set aside, with all that is needed to understand it, mend it and send it again.</summary>
public sealed record DeadLetter
{
    /// <summary>The job that met it.</summary>
    public required string Job { get; init; }

    /// <summary>The partition that it came from.</summary>
    public required string Partition { get; init; }

    /// <summary>The end of the batch that it came in: reading from the batch before yields it again.</summary>
    public required string Position { get; init; }

    /// <summary>Where it stood, for a person: <c>people.csv line 17</c>.</summary>
    public required string Place { get; init; }

    /// <summary>Its key; empty where what was found had none.</summary>
    public required ReadOnlyMemory<byte> Key { get; init; }

    /// <summary>Upsert or delete.</summary>
    public RecordOperation Operation { get; init; }

    /// <summary>The record's version at the source; 0 where it has none.</summary>
    public long Version { get; init; }

    /// <summary>The document; or, with <see cref="Malformed"/>, the bytes as they were found.</summary>
    public required ReadOnlyMemory<byte> Document { get; init; }

    /// <summary>True where <see cref="Document"/> is not a JSON document: it can't be sent again, only mended at the source.</summary>
    public bool Malformed { get; init; }

    /// <summary>The stable dotted code.</summary>
    public required string Code { get; init; }

    /// <summary>What was wrong, in the system's own words.</summary>
    public required string Reason { get; init; }

    /// <summary>How often it was tried; 0 where it was never sent.</summary>
    public int Attempts { get; init; }

    /// <summary>What the sink said that it is, as <see cref="Checkpoints.JobIdentity.Sink"/>; null in a letter of an earlier release, and in one that did not come so far.</summary>
    public string? Sink { get; init; }

    /// <summary>When it was set aside (UTC).</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>
    /// Names this letter: 32 hex digits over job, partition, key, operation, document and code. Meeting the same record again after a restart
    /// gives the same name, so that it is not set aside twice. A letter that was read keeps the name in its line: a document with line breaks
    /// stands there without them.
    /// </summary>
    public string Id
    {
        get => field ?? Fingerprint();
        init;
    }

    /// <summary>The letter as its line in the file: one JSON object.</summary>
    public byte[] ToJson() => DeadLetterLine.Letter(this);

    private string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{Job}\0{Partition}\0{(Key.IsEmpty ? Place : "")}\0{Operation}\0{Code}\0{Key.Length}\0"));
        hash.AppendData(Key.Span);
        hash.AppendData(Document.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }
}
