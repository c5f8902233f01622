using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;

namespace EsPipeline.Connectors.Tests.Files;

public sealed class KeyLogTests : IDisposable
{
    private const ulong Seed = 7;

    private readonly TemporaryFolder _folder = new();

    /// <summary>Keys as files hold them: numbers, padded numbers, sorted text, text in no order, and a sorted file with one that comes again.</summary>
    public static TheoryData<string> Orders => ["numbers", "padded", "sorted", "shuffled", "last again", "first again", "numbers, then text"];

    [Theory]
    [MemberData(nameof(Orders))]
    public void A_key_came_before_exactly_where_it_did_through_failed_writes_and_resumed_runs(string order)
    {
        var random = new Random(order.Length);
        var keys = Keys(order).Select(Encoding.UTF8.GetBytes).ToArray();
        var log = new KeyLog(_folder.File("keys"), Seed);
        var (held, saved) = (new HashSet<string>(), new HashSet<string>());
        for (var first = 0; first < keys.Length;)
        {
            var slice = keys.Skip(first).Take(random.Next(1, 300)).ToArray();
            var (mark, before) = (log.Mark, held.ToHashSet());
            foreach (var key in slice)
            {
                var hash = log.HashOf(key);
                Assert.Equal(!held.Add(Convert.ToHexString(key)), log.Contains(key, hash));
                if (!log.Contains(key, hash)) log.Add(key, hash);
            }

            Assert.Equal(held.Count, log.Count);
            switch (random.Next(8))
            {
                case 0:
                    log.Forget(mark);
                    held = before;
                    break;
                case 1:
                    log.Save();
                    saved = held.ToHashSet();
                    first += slice.Length;
                    break;
                case 2 when saved.Count == held.Count:
                    log = KeyLog.Load(_folder.File("keys"), Seed, log.Count)!;
                    break;
                default:
                    first += slice.Length;
                    break;
            }
        }

        Assert.All(keys, key => Assert.True(log.Contains(key, log.HashOf(key))));
        Assert.Equal(keys.Select(Convert.ToHexString).Distinct().Count(), log.Count);
    }

    [Fact]
    public void A_log_that_is_shorter_than_it_was_is_not_taken()
    {
        var log = new KeyLog(_folder.File("keys"), Seed);
        log.Add("a"u8, log.HashOf("a"u8));
        log.Save();
        Assert.NotNull(KeyLog.Load(_folder.File("keys"), Seed, 1));
        Assert.Null(KeyLog.Load(_folder.File("keys"), Seed, 2));
        Assert.Null(KeyLog.Load(_folder.File("no keys"), Seed, 1));
    }

    [Fact]
    public void A_log_that_can_not_be_read_back_now_forgets_nothing()
    {
        var log = new KeyLog(_folder.File("keys"), Seed);
        foreach (var key in (byte[][])[[1], [2], [3]]) log.Add(key, log.HashOf(key));
        log.Save();
        log.Add([4], log.HashOf([4]));
        File.Move(_folder.File("keys"), _folder.File("away"));
        Assert.Throws<IOException>(() => log.Contains([2], log.HashOf([2])));
        File.Move(_folder.File("away"), _folder.File("keys"));
        Assert.All((byte[][])[[1], [2], [3], [4]], key => Assert.True(log.Contains(key, log.HashOf(key))));
        Assert.Equal(4, log.Count);
    }

    public void Dispose() => _folder.Dispose();

    private static IEnumerable<string> Keys(string order)
    {
        const int Count = 5000;
        var text = Enumerable.Range(0, Count).Select(i => $"{(char)('a' + (i * 26 / Count))}{new string('x', i % 3)}-{i}").Order(StringComparer.Ordinal);
        return order switch
        {
            "numbers" => Enumerable.Range(1, Count).Select(i => $"{i}"),
            "padded" => Enumerable.Range(1, Count).Select(i => $"key-{i:000000}"),
            "sorted" => text,
            "shuffled" => Enumerable.Range(0, Count).Select(i => $"{i * 7919L % 4001}"),
            "last again" => Enumerable.Range(1, Count).Append(Count).Select(i => $"{i}"),
            "first again" => Enumerable.Range(1, Count).Append(1).Select(i => $"{i}"),
            _ => Enumerable.Range(1, Count).Select(i => $"{i}").Concat(text),
        };
    }
}
