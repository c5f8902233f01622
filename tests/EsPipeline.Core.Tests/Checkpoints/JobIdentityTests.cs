using EsPipeline.Core.Checkpoints;

namespace EsPipeline.Core.Tests.Checkpoints;

public sealed class JobIdentityTests
{
    [Fact]
    public void The_order_of_its_parts_does_not_matter_and_everything_else_does()
    {
        var one = Of(("a", "1"), ("b", "2"));
        Assert.Equal(one.Hash, Of(("b", "2"), ("a", "1")).Hash);
        JobIdentity[] others = [Of(("a", "1")), Of(("a", "1"), ("b", "3")), Of(("a", "1"), ("c", "2")), Of(("a", "12"), ("b", "")), Of(("a1", ""), ("b", "2")), Of(("a", "1"), ("b", "2"), ("c", "")), Of()];
        Assert.Equal(others.Length + 1, others.Append(one).Select(i => i.Hash).Distinct().Count());
    }

    [Fact]
    public void The_hash_is_the_one_of_the_first_release() =>
        Assert.Equal("4016e0316f40793b933598c4fcbcd0b472413e3ffe9f725829aef85184e9b679", Of(("a", "1"), ("b", "2")).Hash);

    [Fact]
    public void Differences_are_told_in_words()
    {
        var was = Of(("a", "1"), ("b", "2"), ("same", "x"));
        var now = Of(("a", "9"), ("c", "3"), ("same", "x"));
        Assert.Equal(["a was '1' and is now '9'", "b was '2' and is now not set", "c was not set and is now '3'"], was.Differences(now));
        Assert.Empty(was.Differences(was));
    }

    private static JobIdentity Of(params (string Name, string Value)[] parts) => new(parts.Select(p => KeyValuePair.Create(p.Name, p.Value)));
}
