using System.Globalization;
using EsPipeline.Cli.Explaining;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Cli;

/// <summary>What a run prints at its end.</summary>
internal static class RunReport
{
    /// <summary>The lines: how it ended, the account, and where to look further.</summary>
    public static IReadOnlyList<string> Lines(Settings settings, RunResult result)
    {
        var account = result.Account;
        var seconds = result.Elapsed.TotalSeconds;
        var rate = seconds > 0 ? account.Read / seconds : 0;
        var how = result.Outcome switch
        {
            RunOutcome.Done when account.Read == 0 && result.CopiedBefore is { } at && settings.Mode == RunMode.Single => $"nothing to do, nothing is new since {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC",
            RunOutcome.Done when account.Read == 0 && result.CopiedBefore is { } at => $"nothing to do, everything was copied by {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC",
            RunOutcome.DoneWithDeadLetters when account.Read == 0 && result.CopiedBefore is { } at => $"nothing to do, everything but what is in the dead letters was copied by {at.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC",
            RunOutcome.Done => "done",
            RunOutcome.DoneWithDeadLetters => "done, but some records are in the dead letters",
            RunOutcome.Stopped => "stopped; the same command goes on from here",
            _ => "failed",
        };
        var lines = new List<string>
        {
            string.Create(
                CultureInfo.InvariantCulture,
                $"{settings.Source.Name} -> {settings.Sink.Name} ({EnumText.Kebab(settings.Mode)}): {how}. {account.Read} records, {ProgressLine.Bytes(account.Bytes)} in {seconds:0.00} s, {rate:0} records/s."),
            "account: " + Account(account),
        };
        if (result.Documents is { } documents) lines.Add(documents.Describe(account.Written));
        if (result.Outcome == RunOutcome.Done && account.Read == 0 && result.CopiedBefore is not null)
        {
            lines.Add($"To copy everything again: espipe checkpoint reset {Advice.JobOptions(settings)}");
        }

        var older = account.DeadLettered == 0 ? $"{result.OpenLetters} of earlier runs are still open in " : "";
        if (account.DeadLettered > 0 || result.OpenLetters > 0) lines.Add($"dead letters: {older}{result.DeadLetterPath} (look at them: espipe dead-letters show {Advice.JobOptions(settings)})");
        return lines;
    }

    /// <summary>The account as an equation.</summary>
    public static string Account(AccountTotals account)
    {
        var unfinished = account.Unfinished > 0 ? $" + unfinished {account.Unfinished} (read again by the next run)" : "";
        var verdict = account.Balances ? "balances" : "DOES NOT BALANCE";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"read {account.Read} = written {account.Written} + unchanged {account.Unchanged} + filtered {account.Filtered} + dead_lettered {account.DeadLettered}{unfinished} ({verdict}), retries {account.Retries}");
    }
}
