using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Tests.Engine;

public sealed class DocumentCountTests
{
    [Theory]
    [InlineData(0, 100, 100, true, "The index 'x' holds 100 documents, 100 more than before; fits the account.")]
    [InlineData(100, 100, 0, true, "The index 'x' holds 100 documents, as many as before; fits the account.")]
    [InlineData(100, 130, 50, true, "The index 'x' holds 130 documents, 30 more than before; fits the account: 20 of the 50 written replaced or deleted documents.")]
    [InlineData(100, 90, 20, true, "The index 'x' holds 90 documents, 10 fewer than before; fits the account if at least 10 of the 20 written were deletes.")]
    [InlineData(0, 101, 100, false, "The index 'x' holds 101 documents, 101 more than before; that DOES NOT FIT the 100 written: something else writes there too, or keeps documents out.")]
    [InlineData(100, 0, 99, false, "The index 'x' holds 0 documents, 100 fewer than before; that DOES NOT FIT the 99 written: something else writes there too, or keeps documents out.")]
    public void It_says_what_the_sink_holds_and_whether_the_account_explains_it(long before, long after, long written, bool fits, string sentence)
    {
        var count = new DocumentCount("the index 'x'", before, after);
        Assert.Equal((fits, sentence), (count.Fits(written), count.Describe(written)));
    }
}
