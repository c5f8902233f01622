using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// The functions of MariaDB Connector/C that are used, by their own names and with their own types (header <c>mysql.h</c> of 3.3). They
/// block; <see cref="MySqlConnection"/> calls them on a thread of its own. A handle belongs to one thread at a time.
/// </summary>
internal static unsafe partial class MariaDbLibrary
{
    private const string Library = NativeLibraries.MariaDb;

    static MariaDbLibrary()
    {
        NativeLibraries.Register();

        // Not safe for several threads, and called by mysql_init otherwise.
        _ = ServerInit(0, 0, 0);
    }

    [LibraryImport(Library, EntryPoint = "mysql_server_init")]
    private static partial int ServerInit(int argc, nint argv, nint groups);

    [LibraryImport(Library, EntryPoint = "mysql_init")]
    public static partial nint Init(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_options")]
    public static partial int SetOption(nint mysql, ConnectOption option, void* value);

    [LibraryImport(Library, EntryPoint = "mysql_options", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetOption(nint mysql, ConnectOption option, string value);

    [LibraryImport(Library, EntryPoint = "mysql_options4", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetOption(nint mysql, ConnectOption option, string name, string value);

    [LibraryImport(Library, EntryPoint = "mysql_real_connect", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Connect(
        nint mysql, string? host, string user, byte* password, string? database, uint port, string? unixSocket, CULong flags);

    [LibraryImport(Library, EntryPoint = "mysql_close")]
    public static partial void Close(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_errno")]
    public static partial uint ErrorNumber(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_error")]
    public static partial nint ErrorText(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_real_query")]
    public static partial int Query(nint mysql, byte* sql, CULong length);

    [LibraryImport(Library, EntryPoint = "mysql_use_result")]
    public static partial nint UseResult(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_free_result")]
    public static partial void FreeResult(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_field_count")]
    public static partial uint FieldCount(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_fetch_fields")]
    public static partial NativeField* FetchFields(nint result);

    [LibraryImport(Library, EntryPoint = "mysql_fetch_row")]
    public static partial byte** FetchRow(nint result);

    // Called for each row, and only computes: the runtime need not be told that it is away.
    [LibraryImport(Library, EntryPoint = "mysql_fetch_lengths")]
    [SuppressGCTransition]
    public static partial CULong* FetchLengths(nint result);

    [LibraryImport(Library, EntryPoint = "mariadb_field_attr")]
    public static partial int FieldAttribute(ConstString* value, NativeField* field, int attribute);

    [LibraryImport(Library, EntryPoint = "mysql_affected_rows")]
    public static partial long AffectedRows(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_warning_count")]
    public static partial uint WarningCount(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_info")]
    public static partial nint Info(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_thread_id")]
    public static partial CULong ThreadId(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_get_ssl_cipher")]
    public static partial nint TlsCipher(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_get_socket")]
    public static partial int UnixSocket(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_get_socket")]
    public static partial nint WindowsSocket(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_init")]
    public static partial nint StatementInit(nint mysql);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_prepare")]
    public static partial int StatementPrepare(nint statement, byte* sql, CULong length);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_field_count")]
    public static partial uint StatementFieldCount(nint statement);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_attr_set")]
    public static partial sbyte StatementSetAttribute(nint statement, int attribute, void* value);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_bind_param")]
    public static partial sbyte StatementBind(nint statement, NativeBind* parameters);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_execute")]
    public static partial int StatementExecute(nint statement);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_affected_rows")]
    public static partial ulong StatementAffectedRows(nint statement);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_errno")]
    public static partial uint StatementErrorNumber(nint statement);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_error")]
    public static partial nint StatementErrorText(nint statement);

    [LibraryImport(Library, EntryPoint = "mysql_stmt_close")]
    public static partial sbyte StatementClose(nint statement);
}
