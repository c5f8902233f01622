using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Transactions that the server does not tell of, because others keep its list of them from being made anew.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlHorizonTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Where whoever asks does not get a processor for a tenth of a second, the list is made anew, and nothing was tried.
    private const int Attempts = 40;

    [Fact]
    public async Task A_row_committed_late_is_not_missed_while_others_ask_for_the_open_transactions_without_a_pause()
    {
        for (var attempt = 1; !await IsNotMissedWhileTheListIsStaleAsync(); attempt++) Assert.True(attempt < Attempts, "The list of transactions was always made anew.");
    }

    [Fact]
    public async Task Times_are_complete_again_once_the_others_have_gone()
    {
        for (var attempt = 1; !await AreCompleteAgainAsync(); attempt++) Assert.True(attempt < Attempts, "The list of transactions was always made anew.");
    }

    // Times are kept to the second, and the server's clock is the one that counts.
    private async Task WaitASecondAsync() => await (await servers.SharedAsync()).RowsAsync("SELECT SLEEP(1.1)");

    private async Task<bool> IsNotMissedWhileTheListIsStaleAsync()
    {
        await using var set = await MySqlDataSet.CreateAsync(await servers.NewDatabaseAsync(), [.. Corpus.Plain(50)]);
        await using var asker = await StaleList.KeepAsync(await servers.SharedAsync(), Ct);
        var commit = await set.BeginPutAsync([.. Corpus.Plain(60).Skip(50)], Ct);
        await set.PutAsync([.. Corpus.Plain(70).Skip(60)], Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await WaitASecondAsync();
        await set.PutAsync([.. Corpus.Plain(80).Skip(70)], Ct);
        var during = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        await commit();
        await WaitASecondAsync();
        var after = await SourceReader.ReadChangesAsync(set, during.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(80).Select(set.Expected), after.Apply(during.Apply(snapshot.Apply())));
        return await asker.EndAsync() == "0";
    }

    private async Task<bool> AreCompleteAgainAsync()
    {
        await using var set = await MySqlDataSet.CreateAsync(await servers.NewDatabaseAsync(), [.. Corpus.Plain(50)]);
        var asker = await StaleList.KeepAsync(await servers.SharedAsync(), Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await asker.DisposeAsync();
        if (snapshot.Saved.Values.Any(p => MySqlPosition.Parse(p).Follow != 0)) return false;
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        Assert.All(changes.Saved.Values, p => Assert.NotEqual(0, MySqlPosition.Parse(p).Follow));
        return true;
    }

    /// <summary>
    /// Asks for the open transactions again and again, so that the answer stays the one of the beginning: on several connections, one of which
    /// has a processor wherever the others have none.
    /// </summary>
    private sealed class StaleList : IAsyncDisposable
    {
        private const int Askers = 3;
        private const string Question = "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_autocommit_non_locking=0";

        private readonly MySqlConnection[] _connections;
        private readonly CancellationTokenSource _end;
        private readonly Task<string[]> _asking;

        private StaleList(MySqlConnection[] connections, CancellationToken ct)
        {
            _connections = connections;
            _end = CancellationTokenSource.CreateLinkedTokenSource(ct);
            _asking = Task.WhenAll(connections.Select(c => c.RunAsync(AskOn, CancellationToken.None)));
        }

        public static async Task<StaleList> KeepAsync(MariaDbServer server, CancellationToken ct)
        {
            var connections = new MySqlConnection[Askers];
            for (var i = 0; i < Askers; i++) connections[i] = await server.ConnectAsync();

            // The list is made while no transaction is open.
            await connections[0].RunAsync(session => session.Rows("SELECT SLEEP(0.3)").Concat(session.Rows(Question)).Count(), ct);
            return new StaleList(connections, ct);
        }

        /// <summary>Stops asking.</summary>
        /// <returns>How many transactions were told of at most.</returns>
        public async Task<string> EndAsync()
        {
            await _end.CancelAsync();
            return (await _asking).Max(StringComparer.Ordinal)!;
        }

        public async ValueTask DisposeAsync()
        {
            await EndAsync();
            foreach (var connection in _connections) await connection.DisposeAsync();
            _end.Dispose();
        }

        private string AskOn(MySqlSession session)
        {
            var most = "0";
            while (!_end.IsCancellationRequested)
            {
                var told = session.Rows(Question)[0][0]!;
                if (string.CompareOrdinal(told, most) > 0) most = told;
            }

            return most;
        }
    }
}
