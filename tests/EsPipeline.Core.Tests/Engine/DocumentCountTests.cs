using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Tests.Engine;

public sealed class DocumentCountTests
{
    [Theory]
    [InlineData(0, 100, 100, true, "The index 'x' holds 100 documents, 100 more than before; fits the account.")]
    [InlineData(100, 100, 0, true, "The index 'x' holds 100 documents, as many as before; fits the account.")]
    [InlineData(100, 130, 50, true, "The index 'x' holds 130 documents, 30 more than before; fits the account: 20 of the 50 written replaced or deleted documents.")]
    [InlineData(0, 5000, 200_000, true, "The index 'x' holds 5000 documents, 5000 more than before; fits the account only if at least 195000 of the 200000 written had a key that came more than once, or were deletes.")]
    [InlineData(20, 30, 30, true, "The index 'x' holds 30 documents, 10 more than before; fits the account: 20 of the 30 written replaced or deleted documents.")]
    [InlineData(20, 30, 31, true, "The index 'x' holds 30 documents, 10 more than before; fits the account only if at least 1 of the 31 written had a key that came more than once, or were deletes.")]
    [InlineData(100, 90, 20, true, "The index 'x' holds 90 documents, 10 fewer than before; fits the account if at least 10 of the 20 written were deletes.")]
    [InlineData(0, 101, 100, false, "The index 'x' holds 101 documents, 101 more than before; that DOES NOT FIT the 100 written: something else writes there too, or keeps documents out.")]
    [InlineData(100, 0, 99, false, "The index 'x' holds 0 documents, 100 fewer than before; that DOES NOT FIT the 99 written: something else writes there too, or keeps documents out.")]
    public void It_says_what_the_sink_holds_and_whether_the_account_explains_it(long before, long after, long written, bool fits, string sentence)
    {
        var count = new DocumentCount("the index 'x'", before, after);
        Assert.Equal((fits, sentence), (count.Fits(written), count.Describe(written)));
    }
}
