using EsPipeline.Connectors.Postgres;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Which transactions of the log a snapshot has behind it.</summary>
public sealed class VisibleTransactionsTests
{
    [Theory]
    [InlineData("100:110:", 99u, true)]
    [InlineData("100:110:", 109u, true)]
    [InlineData("100:110:", 110u, false)]
    [InlineData("100:110:100,105", 105u, false)]
    [InlineData("100:110:100,105", 100u, false)]
    [InlineData("100:110:100,105", 104u, true)]
    [InlineData("4294967300:4294967310:4294967301", 5u, false)]
    [InlineData("4294967300:4294967310:4294967301", 4294967290u, true)]
    [InlineData("4294967300:4294967310:4294967302", 7u, true)]
    [InlineData("4294967200:4294967290:", 3u, false)]
    public void A_transaction_is_seen_once_it_is_neither_running_nor_to_come(string snapshot, uint transaction, bool seen) =>
        Assert.Equal(seen, VisibleTransactions.Sees(snapshot, transaction));
}
