using System.Buffers;
using System.Text.Json;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// A run record as one line of JSON: snake case, times in ISO 8601, without what is null. By hand, since what a serializer has to know of
/// these few values first took a tenth of the processor time of a short run.
/// </summary>
public static class RunRecordText
{
    /// <summary>The record as UTF-8, without a line feed.</summary>
    public static byte[] Write(RunRecord run)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer);
        Write(run, json);
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes the record as the next value.</summary>
    public static void Write(RunRecord run, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("id", run.Id);
        json.WriteString("mode", run.Mode);
        json.WriteString("source", run.Source);
        json.WriteString("sink", run.Sink);
        if (run.SinkIdentity is { } identity) json.WriteString("sink_identity", identity);
        json.WriteNumber("process_id", run.ProcessId);
        json.WriteString("host", run.Host);
        json.WriteString("started", run.Started);
        json.WriteString("updated", run.Updated);
        if (run.Ended is { } ended) json.WriteString("ended", ended);
        json.WriteString("outcome", run.Outcome.ToString());
        WriteAccount(run.Account, json);
        json.WriteNumber("rate", run.Rate);
        if (run.LagSeconds is { } lag) json.WriteNumber("lag_seconds", lag);
        if (run.LastError is { } error)
        {
            json.WriteStartObject("last_error");
            json.WriteString("code", error.Code);
            json.WriteString("message", error.Message);
            json.WriteString("at", error.At);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write(RunRecord)"/> wrote; names that it does not know are passed over.</summary>
    /// <exception cref="JsonException">It is not a whole record.</exception>
    public static RunRecord Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return Of(document.RootElement);
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new JsonException("It is not a record of a run.", e);
        }
    }

    private static void WriteAccount(in AccountTotals account, Utf8JsonWriter json)
    {
        json.WriteStartObject("account");
        json.WriteNumber("read", account.Read);
        json.WriteNumber("written", account.Written);
        json.WriteNumber("unchanged", account.Unchanged);
        json.WriteNumber("filtered", account.Filtered);
        json.WriteNumber("dead_lettered", account.DeadLettered);
        json.WriteNumber("retries", account.Retries);
        json.WriteNumber("bytes", account.Bytes);
        json.WriteNumber("unfinished", account.Unfinished);
        json.WriteNumber("finished", account.Finished);
        json.WriteBoolean("balances", account.Balances);
        json.WriteEndObject();
    }

    private static RunRecord Of(JsonElement run) => new()
    {
        Id = Text(run, "id"),
        Mode = Text(run, "mode"),
        Source = Text(run, "source"),
        Sink = Text(run, "sink"),
        SinkIdentity = run.TryGetProperty("sink_identity", out var identity) ? identity.GetString() : null,
        ProcessId = run.GetProperty("process_id").GetInt32(),
        Host = Text(run, "host"),
        Started = run.GetProperty("started").GetDateTimeOffset(),
        Updated = run.GetProperty("updated").GetDateTimeOffset(),
        Ended = run.TryGetProperty("ended", out var ended) ? ended.GetDateTimeOffset() : null,
        Outcome = Enum.Parse<RunOutcome>(Text(run, "outcome")),
        Account = AccountOf(run.GetProperty("account")),
        Rate = run.GetProperty("rate").GetDouble(),
        LagSeconds = run.TryGetProperty("lag_seconds", out var lag) ? lag.GetDouble() : null,
        LastError = run.TryGetProperty("last_error", out var error)
            ? new RunError(Text(error, "code"), Text(error, "message"), error.GetProperty("at").GetDateTimeOffset())
            : null,
    };

    private static AccountTotals AccountOf(JsonElement account) => new(
        account.GetProperty("read").GetInt64(),
        account.GetProperty("written").GetInt64(),
        account.GetProperty("unchanged").GetInt64(),
        account.GetProperty("filtered").GetInt64(),
        account.GetProperty("dead_lettered").GetInt64(),
        account.GetProperty("retries").GetInt64(),
        account.GetProperty("bytes").GetInt64(),
        account.GetProperty("unfinished").GetInt64());

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? throw new FormatException($"'{name}' is null.");
}
