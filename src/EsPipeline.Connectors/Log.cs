using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors;

/// <summary>What the connectors log; event ids 2000 to 2999, a hundred for each system.</summary>
internal static partial class Log
{
    // Files: 2000 to 2099.
    [LoggerMessage(2000, LogLevel.Warning,
        "{Count} rows of {File} have something in '{Column}' that begins like JSON and is none; they were copied as plain rows, the first is line {Line}")]
    public static partial void BrokenContents(ILogger logger, long count, string column, string file, long line);

    [LoggerMessage(2001, LogLevel.Warning, "More than {Keys} keys: from here on a key that comes again is written again (--unique-keys)")]
    public static partial void UniqueKeysExceeded(ILogger logger, long keys);

    [LoggerMessage(2009, LogLevel.Warning, "The file holds more than {Keys} keys: a record that comes again as it was, as in the moments that are read twice, is written again (--unique-keys)")]
    public static partial void RepeatsExceedKeys(ILogger logger, long keys);

    [LoggerMessage(2010, LogLevel.Warning,
        "{Count} documents have an id of their own that is not their key, and {File} has one place for the two: keys are lost there; --sink file keeps both")]
    public static partial void OtherIds(ILogger logger, long count, string file);

    [LoggerMessage(2011, LogLevel.Warning,
        "{File} has {Bytes} bytes behind what this job has saved: they are cut off and, where a run was killed, written again; what somebody else has added there is lost")]
    public static partial void CutOff(ILogger logger, string file, long bytes);

    [LoggerMessage(2012, LogLevel.Warning,
        "{Count} rows of {File} have values beside '{Column}', whose JSON is the whole document: they are not copied, the first is line {Line}; {Option} with another name takes every column")]
    public static partial void ValuesBesideContent(ILogger logger, long count, string column, string file, long line, string option);

    [LoggerMessage(2013, LogLevel.Warning, "{File} was still being written: its last line, number {Line}, has no end and is left for the next run")]
    public static partial void LineUnfinished(ILogger logger, string file, long line);

    // Elasticsearch: 2100 to 2199.
    [LoggerMessage(2100, LogLevel.Warning, "The server lost its view of {Shard}; reading goes on in a new one, and what changed meanwhile is read afterwards")]
    public static partial void ViewLost(ILogger logger, string shard);

    [LoggerMessage(2101, LogLevel.Debug, "The view of {Shard} could not be closed; the server drops it after {KeepAlive}: {Reason}")]
    public static partial void ViewNotClosed(ILogger logger, string shard, string keepAlive, string reason);

    [LoggerMessage(2102, LogLevel.Information, "The user may not refresh {Indices} (index privilege maintenance): waiting {Seconds} s until it has refreshed itself")]
    public static partial void WaitsForRefresh(ILogger logger, string indices, double seconds);

    [LoggerMessage(2103, LogLevel.Warning,
        "The user may not see the statistics of {Indices} (index privilege monitor): a snapshot that is interrupted begins anew, and changes are followed by '{Field}', which misses what arrives later than --overlap")]
    public static partial void NoStatistics(ILogger logger, string indices, string field);

    [LoggerMessage(2104, LogLevel.Warning,
        "{Index} has documents without sequence numbers: it is read in slices that begin anew when they are interrupted, and its changes are followed by '{Field}'")]
    public static partial void NoSequenceNumbers(ILogger logger, string index, string field);

    [LoggerMessage(2105, LogLevel.Information, "{Index} is read from now on: {Indices} has come to mean it too")]
    public static partial void IndexAppeared(ILogger logger, string index, string indices);

    [LoggerMessage(2106, LogLevel.Warning, "{Index} is no longer read: it was deleted, closed, or {Indices} does not mean it any more")]
    public static partial void IndexVanished(ILogger logger, string index, string indices);

    [LoggerMessage(2107, LogLevel.Information, "The user may not see the mapping of {Indices} (index privilege view_index_metadata): types are taken from the values")]
    public static partial void NoMapping(ILogger logger, string indices);

    [LoggerMessage(2108, LogLevel.Information, "Made the index {Index}")]
    public static partial void IndexMade(ILogger logger, string index);

    [LoggerMessage(2109, LogLevel.Warning,
        "The user may not see what {Index} is like (index privilege view_index_metadata): whether documents fit is only seen when they are written, and a deleted index is not noticed")]
    public static partial void IndexNotSeen(ILogger logger, string index);

    [LoggerMessage(2110, LogLevel.Information, "While everything is copied, {Index} keeps no replicas and does not refresh (--es-bulk-load)")]
    public static partial void BulkLoadBegins(ILogger logger, string index);

    [LoggerMessage(2111, LogLevel.Information, "{Index} has the replicas and the refresh interval back that it had before --es-bulk-load")]
    public static partial void BulkLoadEnds(ILogger logger, string index);

    [LoggerMessage(2112, LogLevel.Warning, "{Index} still has the settings of --es-bulk-load, the next run gives the others back: {Reason}")]
    public static partial void BulkLoadNotEnded(ILogger logger, string index, string reason);

    [LoggerMessage(2113, LogLevel.Warning, "{Index} is no longer behind {Alias}, which was moved while it was read: what {Alias} means now is read")]
    public static partial void AliasMoved(ILogger logger, string index, string alias);

    [LoggerMessage(2114, LogLevel.Warning, "{Count} documents have no '{Field}', in {Indices}: they are copied with everything, but as long as changes are followed by '{Field}' theirs are not seen")]
    public static partial void NeverFollowed(ILogger logger, long count, string field, string indices);

    [LoggerMessage(2115, LogLevel.Warning, "{Alias} is written to in {Now} from here on, no longer in {Before}: what is there stays there, and a document that changes is then in both")]
    public static partial void TargetMoved(ILogger logger, string alias, string now, string before);

    [LoggerMessage(2116, LogLevel.Warning,
        "The ingest pipeline {Pipeline} has dropped {Count} documents: they count as unchanged, and are not in {Index}, or not as they are in the source")]
    public static partial void PipelineDrops(ILogger logger, long count, string pipeline, string index);

    [LoggerMessage(2117, LogLevel.Warning,
        "The ingest pipeline {Pipeline} has documents written to {Elsewhere} instead of {Index}: they count as written, and nobody compares or deletes them there")]
    public static partial void PipelineReroutes(ILogger logger, string pipeline, string elsewhere, string index);

    [LoggerMessage(2118, LogLevel.Warning,
        "The keys of what was copied from {Index} begin with '{Index}/' (--es-key): where its documents are in another index now (shrunk, mounted), they come again under that one's name, and 'espipe verify --prune' removes the old ones")]
    public static partial void KeysOfVanished(ILogger logger, string index);

    // Firestore: 2200 to 2299.
    [LoggerMessage(2200, LogLevel.Warning, "Firestore holds some values in another form than the documents had them: {Conversions}")]
    public static partial void FirestoreConversions(ILogger logger, string conversions);

    [LoggerMessage(2201, LogLevel.Warning,
        "Firestore has forgotten the time as of which {Collection} was being read; the rest is read as it is now, so the copy is not of one moment ({Words})")]
    public static partial void FirestoreSnapshotForgotten(ILogger logger, string collection, string words);

    [LoggerMessage(2202, LogLevel.Warning, "References to documents of other databases were written as they are: {Count} do not lead into {Documents}")]
    public static partial void FirestoreReferencesElsewhere(ILogger logger, long count, string documents);

    [LoggerMessage(2203, LogLevel.Warning,
        "Plain JSON has no kind for some values of {Collection}, which were read as something else: {Conversions} (--firestore-values typed keeps them)")]
    public static partial void FirestoreTypesLost(ILogger logger, string collection, string conversions);

    // MySQL and MariaDB: 2300 to 2399.
    [LoggerMessage(2300, LogLevel.Debug, "The cancelled statement of connection {ThreadId} could not be ended on the server, which will notice by itself: {Reason}")]
    public static partial void MySqlNotKilled(ILogger logger, ulong threadId, string reason);

    [LoggerMessage(2301, LogLevel.Warning, "{Server} has not inserted all rows of a bulk statement; from here on they are sent as text, which is slower")]
    public static partial void MySqlBulkIncomplete(ILogger logger, string server);

    [LoggerMessage(2302, LogLevel.Warning, "{Server} warns: {Warning}")]
    public static partial void MySqlWarning(ILogger logger, string server, string warning);

    [LoggerMessage(2303, LogLevel.Warning,
        "A transaction of connection {Connection} has been open for {Minutes:0} minutes: until it ends, the changes since it began are read again each time")]
    public static partial void MySqlLongTransaction(ILogger logger, string connection, double minutes);

    [LoggerMessage(2304, LogLevel.Warning,
        "The account may not see open transactions (privilege PROCESS): a change that is committed more than {Seconds:0} s after its time is missed (--overlap)")]
    public static partial void MySqlCannotSeeTransactions(ILogger logger, double seconds);

    [LoggerMessage(2305, LogLevel.Warning, "{Rows} rows of {Table} have no time in '{Column}': they are not selected by time, and their changes are not seen")]
    public static partial void MySqlRowsWithoutTime(ILogger logger, long rows, string table, string column);

    [LoggerMessage(2306, LogLevel.Warning,
        "{Server} does not tell which transactions are open now, since others ask it for them (information_schema.INNODB_TRX) more often than every 0.1 s: until it does, no time is taken as complete, and the changes since the last one that was are read again each time")]
    public static partial void MySqlTransactionsStale(ILogger logger, string server);

    [LoggerMessage(2307, LogLevel.Warning, "{Warning}")]
    public static partial void MySqlReplica(ILogger logger, string warning);

    [LoggerMessage(2308, LogLevel.Warning,
        "The clock of {Server} is behind {Reached:u}, up to which the times in {Table} were read: it was put back, or another server took over. Everything is read again, since what was written meanwhile has earlier times")]
    public static partial void ClockPutBack(ILogger logger, string server, string table, DateTimeOffset reached);

    [LoggerMessage(2309, LogLevel.Warning,
        "The field '{Field}' of documents is written to the column '{Column}', since MySQL tells no columns apart by case; it is read back under the column's name")]
    public static partial void MySqlFieldRenamed(ILogger logger, string field, string column);

    [LoggerMessage(2310, LogLevel.Warning,
        "{Server} has a transaction of no connection (one that was prepared before a restart, see XA RECOVER, or one that is still being rolled back) and does not say since when: until it has ended, no time is taken as complete, and the changes since the last one that was are read again each time")]
    public static partial void MySqlTransactionOfNobody(ILogger logger, string server);

    // Postgres: 2400 to 2499.
    [LoggerMessage(2400, LogLevel.Warning,
        "The user does not see when others' transactions began (role pg_read_all_stats, and track_activities on): changes of {Table} are found by the age of its rows, which reads the whole table each time")]
    public static partial void NoTransactionTimes(ILogger logger, string table);

    [LoggerMessage(2401, LogLevel.Warning,
        "'{Column}' of {Table} has no time zone, so its times can't be compared with those of transactions: changes are found by the age of its rows, which reads the whole table each time")]
    public static partial void TimeWithoutZone(ILogger logger, string column, string table);

    [LoggerMessage(2402, LogLevel.Warning, "{Count} rows of {Table} have no time in '{Column}': they are copied once, and their changes are not seen until they have one")]
    public static partial void NullTimes(ILogger logger, string count, string table, string column);

    [LoggerMessage(2403, LogLevel.Warning, "The transaction of backend {Pid} is open since {Since:u}: what was written after that is not copied before it ends")]
    public static partial void OldTransaction(ILogger logger, string pid, DateTimeOffset since);

    [LoggerMessage(2404, LogLevel.Warning,
        "{Count} prepared transactions are open (pg_prepared_xacts): changes are not copied before they are committed or rolled back")]
    public static partial void PreparedTransactions(ILogger logger, string count);

    [LoggerMessage(2405, LogLevel.Information, "Made the replication slot {Slot} and the publication {Publication}; the server keeps its log for them until they are dropped")]
    public static partial void SlotMade(ILogger logger, string slot, string publication);

    [LoggerMessage(2406, LogLevel.Warning,
        "Changes were lost, or may have been, since {Reason}: everything is copied anew; what was deleted meanwhile stays in the sink until it is removed there")]
    public static partial void SlotLost(ILogger logger, string reason);

    [LoggerMessage(2407, LogLevel.Warning,
        "The replication slot {Slot} holds back {Megabytes} MiB of the server's log: changes are not copied as fast as they come (--pg-max-slot-bytes sets a limit)")]
    public static partial void SlotHoldsMuch(ILogger logger, string slot, long megabytes);

    [LoggerMessage(2408, LogLevel.Warning,
        "{Table} was emptied by TRUNCATE, which does not tell the rows: their documents stay in the sink (--pg-truncate keep) until 'espipe verify --prune' removes them")]
    public static partial void Truncated(ILogger logger, string table);

    [LoggerMessage(2409, LogLevel.Warning, "{Rows} rows of the query have the key ({Key}) of another one: of the rows of one key the last one stays")]
    public static partial void KeysTwice(ILogger logger, long rows, string key);

    [LoggerMessage(2410, LogLevel.Information, "{Partitions} came to {Table} with rows in them, of which the log tells nothing: they are copied")]
    public static partial void PartitionsNew(ILogger logger, string partitions, string table);

    [LoggerMessage(2411, LogLevel.Warning,
        "{Partitions} went from {Table} (detached or dropped), which tells no rows: their documents stay in the sink until 'espipe verify --prune' removes them")]
    public static partial void PartitionsGone(ILogger logger, string partitions, string table);

    [LoggerMessage(2412, LogLevel.Warning,
        "Partitions of {Table} came or went: rows that an attached one had before, and those of one that was detached or dropped, are not seen; 'espipe verify --repair' copies the former, --prune removes the latter")]
    public static partial void PartitionsChanged(ILogger logger, string table);

    [LoggerMessage(2413, LogLevel.Warning,
        "The server is a standby, which does not know when the primary's transactions began: changes of {Table} are found by reading the whole table each time")]
    public static partial void Standby(ILogger logger, string table);

    [LoggerMessage(2414, LogLevel.Information,
        "The server still reads its log for the replication slot {Slot}: for {Seconds} s nothing of these tables has come since {Place}")]
    public static partial void LogIsSilent(ILogger logger, string slot, double seconds, string place);

    [LoggerMessage(2415, LogLevel.Warning,
        "Documents are made of several tables and followed by time, by which it is not seen that a row was deleted or now belongs to another document: the one that it has left keeps it until it changes itself, or 'espipe verify --repair' is run (--pg-follow changes sees both)")]
    public static partial void MovedRowsUnseen(ILogger logger);

    [LoggerMessage(2416, LogLevel.Error, "{Problem} It was dropped; the run ends as soon as it would read on")]
    public static partial void SlotDropped(ILogger logger, string problem);

    [LoggerMessage(2417, LogLevel.Warning, "What the replication slot {Slot} holds back of the server's log can't be limited: {Reason}")]
    public static partial void SlotNotWatched(ILogger logger, string slot, string reason);

    [LoggerMessage(2418, LogLevel.Debug, "What the replication slot {Slot} holds back of the server's log could not be asked: {Reason}")]
    public static partial void SlotNotSeen(ILogger logger, string slot, string reason);

    [LoggerMessage(2419, LogLevel.Warning,
        "{Table} has other columns than before, or of other types: the server tells of no row because of that, so that documents of rows which are not written again stay as they are; 'espipe verify --repair' finds and writes them, 'espipe checkpoint reset' before the next run copies everything anew")]
    public static partial void ColumnsChanged(ILogger logger, string table);

    [LoggerMessage(2420, LogLevel.Warning,
        "No index keeps the keys ({Key}) of all rows of {Table} apart from each other, or those that are selected: of rows of one key only one stays; SELECT {Key}, count(*) FROM {Table} GROUP BY {Key} HAVING count(*) > 1 finds them")]
    public static partial void KeysNotKept(ILogger logger, string table, string key);

    [LoggerMessage(2421, LogLevel.Warning,
        "The key column {Column} of {Table} is of type {Type}, which takes some keys that are written differently for one (1 and 1.0, letters of a UUID, one time in two zones): of records with such keys only one stays")]
    public static partial void KeysNotKept(ILogger logger, string column, string table, string type);

    [LoggerMessage(2422, LogLevel.Warning,
        "The rows of {Table} without a time in '{Column}', whose changes are not seen, could not be counted within {Seconds} s; an index on the column makes it quick")]
    public static partial void NullTimesUncounted(ILogger logger, string table, string column, double seconds);

    [LoggerMessage(2423, LogLevel.Warning,
        "A subscription (logical replication) writes to {Table}, with the times of the server that it comes from: changes are found by the age of its rows, which reads the whole table each time")]
    public static partial void Subscribed(ILogger logger, string table);

    [LoggerMessage(2424, LogLevel.Warning,
        "The backends {Pids} have track_activities = off, so that nothing tells when their transactions began: changes are not copied before these have ended; ALTER ROLE … RESET track_activities")]
    public static partial void HiddenTransactions(ILogger logger, string pids);

    [LoggerMessage(2425, LogLevel.Warning,
        "'{Column}' of {Table} has no time zone: --since and --until take its times for UTC, and the time zone here is {Zone}, by which rows may be selected hours too early or too late, or not at all; --match-all copies all, a timestamptz tells")]
    public static partial void LocalTimes(ILogger logger, string column, string table, string zone);

    // Tables with a column for each field: 2450 to 2459.
    [LoggerMessage(2450, LogLevel.Warning,
        "Of {Table} the columns {Columns} stay as they are, since no document has had a field for them; a field that documents had before this job and have lost is set to NULL only where --fields names it, with all the others")]
    public static partial void ColumnsLeftAlone(ILogger logger, string table, string columns);

    [LoggerMessage(2451, LogLevel.Warning,
        "Documents have fields for the columns {Columns} of {Table} from here on: rows that this job wrote before keep what they held there, unless 'espipe verify --repair' finds it different")]
    public static partial void ColumnsMetLate(ILogger logger, string table, string columns);

    // Hadoop: 2500 to 2599.
    [LoggerMessage(2500, LogLevel.Information, "Folders with part files and no _SUCCESS: {Count}, such as {Folder}; each is read once it is finished (--require-success)")]
    public static partial void UnfinishedJobs(ILogger logger, int count, string folder);

    [LoggerMessage(2505, LogLevel.Warning, "Files are being copied (._COPYING_): {Count}, such as {File}; what is not read until they have their names is {What}. Remove one that nobody copies any more")]
    public static partial void FilesBeingCopied(ILogger logger, int count, string file, string what);

    [LoggerMessage(2506, LogLevel.Warning, "{Doubt}, and that row is not copied; where it is one, give {Option}")]
    public static partial void OtherColumns(ILogger logger, string doubt, string option);

    [LoggerMessage(2501, LogLevel.Warning, "{Job} was written to while it was being read ({File} is not what it was): it is read again from its start once it is finished")]
    public static partial void JobChanged(ILogger logger, string job, string file);

    [LoggerMessage(2502, LogLevel.Warning, "{Place} holds no finished job: no part file with a _SUCCESS beside or above it")]
    public static partial void NoJobs(ILogger logger, string place);

    [LoggerMessage(2503, LogLevel.Information, "Part files that are left for the next run: {Count} (--max-files)")]
    public static partial void FilesLeft(ILogger log, int count);

    [LoggerMessage(2504, LogLevel.Warning,
        "Folders such as {Folder} hold a column in their names: it is in no document, and ids that are unique only beside it replace each other; copy each folder by a job of its own, with --set COLUMN=VALUE and its own target")]
    public static partial void PartitionFolders(ILogger logger, string folder);

    // State in PostgreSQL: 2600 to 2699.
    [LoggerMessage(2600, LogLevel.Information, "The job {Job} is held {Holder}: waiting {Least:0} s to see whether that copy lives, and up to {Most:0} s where it has died")]
    public static partial void JobHeld(ILogger logger, string job, string holder, double least, double most);

    [LoggerMessage(2601, LogLevel.Warning, "The job {Job} could not be let go; another copy has to wait up to {Seconds:0} s: {Reason}")]
    public static partial void JobNotLetGo(ILogger logger, string job, double seconds, string reason);

    [LoggerMessage(2602, LogLevel.Warning, "The state in {Store} can't be reached; trying again: {Reason}")]
    public static partial void StateIsDown(ILogger logger, string store, string reason);

    [LoggerMessage(2603, LogLevel.Information, "The state in {Store} is back")]
    public static partial void StateIsBack(ILogger logger, string store);
}
