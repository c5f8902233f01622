using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Files;

/// <summary>What can be wrong with files.</summary>
public static class FilesErrors
{
    /// <summary>No such file.</summary>
    public static readonly ErrorCode NotFound = new(
        "file.not_found", FailureKind.Environment, "A file that is to be read is not there.", "Check the name and the folder that espipe is run in.")
    {
        Steps = ["See what is in this folder: `ls -la`"],
    };

    /// <summary>The file can't be read.</summary>
    public static readonly ErrorCode Unreadable = new(
        "file.unreadable", FailureKind.Environment, "A file can't be read.", "Check that this user may read it and that it is a file.")
    {
        Steps =
        [
            "See who may read it; the message names it: `ls -la`",
            "See who you are: `id`",
        ],
    };

    /// <summary>The compressed file is damaged.</summary>
    public static readonly ErrorCode Damaged = new(
        "file.damaged", FailureKind.Environment, "A compressed file can't be unpacked.",
        "Check it with 'gzip -t' or 'zstd -t', and get it again; records before the damage may have been copied.")
    {
        Steps =
        [
            "Check it; FILE is the one in the message: `gzip -tv FILE`",
            "For a file that ends in .zst: `zstd -t FILE`",
        ],
    };

    /// <summary>The file can't be written.</summary>
    public static readonly ErrorCode Unwritable = new(
        "file.unwritable", FailureKind.Environment, "The output file can't be written.", "Check the folder's rights and the free disk space.")
    {
        Steps =
        [
            "See who may write there: `ls -la {output-folder}`",
            "See how much room is left: `df -h {output-folder}`",
        ],
    };

    /// <summary>A stream takes no more.</summary>
    public static readonly ErrorCode BrokenOff = new(
        "file.broken_off", FailureKind.Environment,
        "Standard output, a pipe or a device took only a part of the records: who read it has gone away, or it is full.",
        "Run it again with a reader that reads to the end, or write to a file; what such a stream was given can't be taken back or gone on from.")
    {
        EndsRun = true,
        Steps =
        [
            "Write to a file, from which a later run goes on: `--output-file FILE`",
            "Where only the first records are wanted, say how many: `--limit 10`",
        ],
    };

    /// <summary>Another job writes the file.</summary>
    public static readonly ErrorCode BeingWritten = new(
        "file.being_written", FailureKind.Environment, "Another job is writing the output file, and two would write over each other.",
        "Wait for its end, or give each job a file of its own with --output-file.")
    {
        EndsRun = true,
        Steps =
        [
            "See which jobs are running: `pgrep -af espipe`",
            "Give this one a file of its own: `--output-file OTHER`",
        ],
    };

    /// <summary>The output is among what is read.</summary>
    public static readonly ErrorCode OwnOutput = new(
        "file.own_output", FailureKind.Environment, "The file that is written is one of those that are read.",
        "Write elsewhere: give --output-file another folder, or another name than the glob has.")
    {
        EndsRun = true,
        Steps =
        [
            "See what is read, and what is written: `espipe --config-check`",
            "Write elsewhere: `--output-file OTHER`",
        ],
    };

    /// <summary>Keys of lines are those of two files.</summary>
    public static readonly ErrorCode SameName = new(
        "file.same_name", FailureKind.Environment, "Two files of one run have the same name, and keys of file and line (@line) would be those of both.",
        "Rename one, copy them in runs of their own to targets of their own, or name a column or field with the key.")
    {
        EndsRun = true,
        Steps = ["Rename one of the two; the message names them: `mv FILE OTHER`"],
    };

    /// <summary>A first line that is no header.</summary>
    public static readonly ErrorCode OtherHeader = new(
        "csv.other_header", FailureKind.Environment, "The first line of a CSV file has no column of the files before it: it may be a row.",
        "Give every file the header, or say that none has one (--csv-no-header, of part files --hadoop-csv-no-header); or copy files of other columns in a run of their own.")
    {
        EndsRun = true,
        Steps = ["See the first lines; the message names the files: `head -n 1 FILE OTHER`"],
    };

    /// <summary>The file was replaced between planning and reading.</summary>
    public static readonly ErrorCode Changed = new(
        "file.changed", FailureKind.Environment, "A file was replaced or written over after it was looked at and before it was read.",
        "Nothing: it is looked at again. Where it ends a run, start that again.")
    {
        PlansAnew = true,
        Steps = ["See whether it is written to all the time; the message names it: `ls -la --full-time FILE`"],
    };

    /// <summary>libzstd is missing.</summary>
    public static readonly ErrorCode NoZstd = new(
        "file.no_zstd", FailureKind.Environment, "Files that end in .zst need the library libzstd, which is not on this machine.",
        "Install it: 'apt-get install libzstd1' or 'brew install zstd'; or pack the file with gzip.")
    {
        Steps =
        [
            "See whether the library is there: `ldconfig -p | grep libzstd`",
            "Install it: `apt-get install libzstd1`",
        ],
    };

    /// <summary>One record is too large to hold.</summary>
    public static readonly ErrorCode TooLong = new(
        "file.record_too_long", FailureKind.Permanent, "One record is longer than 128 MiB.", "Mend the file; a quote that is never closed does this too.")
    {
        Steps = ["Find lines of more than 1 MB; FILE is the one in the message: `awk 'length > 1000000 {print FILENAME \":\" FNR \": \" length}' FILE`"],
    };

    /// <summary>The text is not UTF-8.</summary>
    public static readonly ErrorCode NotUtf8 = new(
        "file.not_utf8", FailureKind.Permanent, "A record holds bytes that are not UTF-8.", "Convert the file, for example with 'iconv -f latin1 -t utf-8'.")
    {
        Steps = ["Find the lines; FILE is the one in the message: `grep -naxv '.*' FILE`"],
    };

    /// <summary>The file is in UTF-16.</summary>
    public static readonly ErrorCode Utf16 = new(
        "file.utf16", FailureKind.Environment, "The file is in UTF-16.", "Convert it with 'iconv -f utf-16 -t utf-8'.")
    {
        Steps = ["Convert it; FILE is the one in the message: `iconv -f utf-16 -t utf-8 FILE >converted`"],
    };

    /// <summary>The file is packed, and its name does not say so, or no text at all.</summary>
    public static readonly ErrorCode NotText = new(
        "file.not_text", FailureKind.Environment, "A file is packed without a name that says so, or of a kind that is no text.",
        "Unpack it first, or have it written as text. What is packed with gzip or zstd is unpacked here where its name ends in .gz or .zst, a part file also where it ends in .bz2.")
    {
        Steps =
        [
            "See what it is; the message names the file: `file FILE`",
            "For one that is packed with gzip: `mv FILE FILE.gz`",
        ],
    };

    /// <summary>The header has no such column.</summary>
    public static readonly ErrorCode NoColumn = new(
        "csv.no_column", FailureKind.Environment, "The CSV file has no column of the name that is to hold the key.",
        "Name the column with --csv-id-column (of part files --hadoop-id-field), or use @line in its place for keys from line numbers.")
    {
        Steps = ["See which columns there are: `head -n 1 {--csv-file}`"],
    };

    /// <summary>Two columns have one name.</summary>
    public static readonly ErrorCode DuplicateColumn = new(
        "csv.duplicate_column", FailureKind.Environment, "Two columns of the CSV file have the same name, and a document can have only one of them.",
        "Rename one in the file's first line.")
    {
        Steps = ["See which columns there are: `head -n 1 {--csv-file}`"],
    };

    /// <summary>A row has more or fewer values than the header.</summary>
    public static readonly ErrorCode FieldCount = new(
        "csv.field_count", FailureKind.Permanent, "A row has more or fewer values than the header has columns.",
        "Mend the row; a value that holds the delimiter or a line break goes between double quotes.")
    {
        Steps =
        [
            "See the row; LINE is the number in the message: `sed -n 'LINE{p;q}' {--csv-file}`",
            "See the columns, and what separates them; now it is {--csv-delimiter}: `head -n 1 {--csv-file}`",
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
        ],
    };

    /// <summary>The quotes of a row do not match.</summary>
    public static readonly ErrorCode Quote = new(
        "csv.quote", FailureKind.Permanent, "A double quote is not closed, or text follows a closing one.",
        "Mend the row; a double quote within a quoted value is written twice.")
    {
        Steps =
        [
            "See the row; LINE is the number in the message: `sed -n 'LINE{p;q}' {--csv-file}`",
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
        ],
    };

    /// <summary>The row has no key.</summary>
    public static readonly ErrorCode NoKey = new(
        "csv.no_key", FailureKind.Permanent, "A row's key is empty.", "Fill it in, or choose another column with --csv-id-column (of part files --hadoop-id-field).")
    {
        Steps =
        [
            "See the row; LINE is the number in the message: `sed -n 'LINE{p;q}' {--csv-file}`",
            "Or take file and line for the key: `--csv-id-column @line`",
        ],
    };

    /// <summary>A field that the CSV output has no column for.</summary>
    public static readonly ErrorCode UnknownColumn = new(
        "csv.unknown_column", FailureKind.Permanent,
        "A document has a field that is not among the columns of the CSV output, which are those of the first 10,000 documents.",
        "Name all columns with --fields, or leave the field out with --exclude-fields.")
    {
        Steps =
        [
            "See the columns that were chosen: `head -n 1 {--output-file}`",
            "Name all of them, and begin anew: `--fields A,B,C`",
        ],
    };

    /// <summary>A document has a name twice, and a row one cell for it.</summary>
    public static readonly ErrorCode NamedTwice = new(
        "csv.named_twice", FailureKind.Permanent, "A document has two fields of one name, and a row of a CSV file has one cell for them.",
        "Mend it at the source, leave the field out with --exclude-fields, or write JSON Lines, which keep it as it is.")
    {
        Steps =
        [
            "Keep the documents as they are: the same command with `--sink jsonl`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>A cell can't hold what is no text.</summary>
    public static readonly ErrorCode NoText = new(
        "csv.no_text", FailureKind.Permanent,
        "A name or a text of a document holds half of a surrogate pair, such as \\ud800 alone, which is no character: a CSV cell can't hold it.",
        "Mend it at the source, leave the field out with --exclude-fields, or write JSON Lines, which keep it as it is.")
    {
        Steps =
        [
            "Keep the documents as they are: the same command with `--sink jsonl`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>A line is not a JSON object.</summary>
    public static readonly ErrorCode NotJson = new(
        "jsonl.not_json", FailureKind.Permanent, "A line is not one whole JSON object.", "Mend the line.")
    {
        Steps =
        [
            "See the line; LINE is the number in the message: `sed -n 'LINE{p;q}' {--jsonl-file}`",
            "Have it checked: `sed -n 'LINE{p;q}' {--jsonl-file} | python3 -m json.tool`",
        ],
    };

    /// <summary>The whole file is one JSON array.</summary>
    public static readonly ErrorCode JsonArray = new(
        "jsonl.array", FailureKind.Environment, "The file is one JSON array, and not a document a line.",
        "Make lines of it: jq -c '.[]' FILE (mongoexport: leave --jsonArray out).")
    {
        Steps = ["Make lines of it; FILE is the one in the message: `jq -c '.[]' FILE >lines.jsonl`"],
    };

    /// <summary>The line has no key.</summary>
    public static readonly ErrorCode NoId = new(
        "jsonl.no_id", FailureKind.Permanent, "A line has no text or number in the field that is to be its key.",
        "Name the field with --jsonl-id-field (of part files --hadoop-id-field), or use @line in its place for keys from line numbers.")
    {
        Steps =
        [
            "See which fields the lines have; the key is looked for in {--jsonl-id-field}: `head -n 3 {--jsonl-file}`",
            "Or take file and line for the key: `--jsonl-id-field @line`",
        ],
    };

    /// <summary>The line has no document.</summary>
    public static readonly ErrorCode NoContent = new(
        "jsonl.no_content", FailureKind.Permanent, "A line has no JSON object in the field that is to hold its document.",
        "Name the field with --jsonl-content-field, or leave that option out where the line itself is the document.")
    {
        Steps = ["See which fields the lines have; the document is looked for in {--jsonl-content-field}: `head -n 3 {--jsonl-file}`"],
    };

    /// <summary>The output can't say that a record is deleted.</summary>
    public static readonly ErrorCode CannotDelete = new(
        "file.cannot_delete", FailureKind.Permanent, "This kind of file can't say that a record was deleted.", "Use --sink file, which writes a line for it.")
    {
        Steps = ["Write keys and documents apart, with a line for what is deleted, to a file of its own: `--sink file --output-file OTHER`"],
    };
}
