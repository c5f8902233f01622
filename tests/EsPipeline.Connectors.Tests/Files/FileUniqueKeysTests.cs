using System.Globalization;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>A file with more keys than <c>--unique-keys</c> allows: from the one too many on every record is written, resumed or not.</summary>
public sealed class FileUniqueKeysTests : IDisposable
{
    private const int Most = 100;

    // Each third record has a key that came before, some of them long ago.
    private static readonly Document[] Rows =
        [.. Enumerable.Range(0, 300).Select(i => new Document($"k{(i % 3 == 2 ? i / 2 : i) * 7919 % 1000:000}", string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{i}}}""")))];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static IEnumerable<string> Expected
    {
        get
        {
            var keys = new HashSet<string>();
            foreach (var row in Rows)
            {
                if (keys.Count < Most && !keys.Add(row.Key)) continue;
                yield return $$"""{"id":"{{row.Key}}","content":{{row.Json}}}""";
            }
        }
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(300)]
    public async Task Broken_off_at_every_place_and_resumed_the_file_is_the_unbroken_one(int slice)
    {
        Assert.InRange(Expected.Count(), Most + 100, Rows.Length - 20);
        for (var cut = 0; cut <= Rows.Length; cut += Math.Max(slice, 5))
        {
            var output = _folder.File(string.Create(CultureInfo.InvariantCulture, $"out-{cut}"));
            string? token;
            await using (var killed = await OpenAsync(output, null))
            {
                await WriteAsync(killed, Rows[..cut], slice);
                token = await killed.FlushAsync(Ct);

                // What was written after the last save is written again.
                await WriteAsync(killed, Rows[cut..Math.Min(Rows.Length, cut + 20)], slice);
            }

            await using var resumed = await OpenAsync(output, token);
            await WriteAsync(resumed, Rows[cut..], slice);
            await resumed.CompleteAsync(Ct);
            Assert.Equal(Expected, await File.ReadAllLinesAsync(output, Ct));
        }
    }

    private static async Task<EnvelopeSink> OpenAsync(string output, string? token)
    {
        var sink = new EnvelopeSink(new OutputFileOptions { File = output, UniqueKeys = Most }, TimeProvider.System, NullLogger<EnvelopeSink>.Instance);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        Assert.True(await sink.RestoreAsync(token, Ct));
        await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: false, Ct);
        return sink;
    }

    private static async Task WriteAsync(EnvelopeSink sink, Document[] rows, int slice)
    {
        foreach (var part in rows.Chunk(slice))
        {
            using var batch = Slices.Of(part);
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal((part.Length, 0), (result.Written + result.Unchanged, result.Failures.Count));
        }
    }
}
