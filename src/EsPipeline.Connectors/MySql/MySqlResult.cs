using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Rows of a query as they come from the network (<c>mysql_use_result</c>), their values as the bytes that the server has sent: numbers and
/// times as text, text in UTF-8. Disposing reads what is left; end the connection first where that is much.
/// </summary>
internal sealed unsafe class MySqlResult : IDisposable
{
    private readonly MySqlSession _session;
    private nint _result;
    private byte** _row;
    private CULong* _lengths;

    /// <summary>Takes the result of the statement that was just sent.</summary>
    public MySqlResult(MySqlSession session)
    {
        _session = session;
        _result = MariaDbLibrary.UseResult(session.Handle);
        if (_result == 0)
        {
            // Without an error the statement had no result at all, such as SET.
            if (MariaDbLibrary.ErrorNumber(session.Handle) != 0) throw session.Failure(session.Now());
            Fields = [];
            return;
        }

        session.OpenResult = this;
        var native = MariaDbLibrary.FetchFields(_result);
        Fields = new MySqlField[MariaDbLibrary.FieldCount(session.Handle)];
        for (var i = 0; i < Fields.Length; i++) Fields[i] = MySqlField.Of(native + i);
    }

    /// <summary>The columns.</summary>
    public MySqlField[] Fields { get; }

    /// <summary>A value of the current row; empty for NULL. Valid until the next <see cref="Read"/>.</summary>
    public ReadOnlySpan<byte> this[int column] => new(_row[column], checked((int)_lengths[column].Value));

    /// <summary>True where a value of the current row is NULL.</summary>
    public bool IsNull(int column) => _row[column] is null;

    /// <summary>Goes to the next row.</summary>
    /// <returns>False after the last.</returns>
    public bool Read()
    {
        if (_result == 0) return false;
        _row = MariaDbLibrary.FetchRow(_result);
        if (_row is null)
        {
            if (MariaDbLibrary.ErrorNumber(_session.Handle) != 0) throw _session.Failure(_session.Now());
            return false;
        }

        _lengths = MariaDbLibrary.FetchLengths(_result);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_result == 0) return;
        MariaDbLibrary.FreeResult(_result);
        _result = 0;
        _session.OpenResult = null;
    }
}

/// <summary>A column of a result.</summary>
/// <param name="Name">Its name in the result.</param>
/// <param name="Type">How its values come.</param>
/// <param name="IsBinary">True for bytes rather than text.</param>
/// <param name="IsUnsigned">True for a number without a sign.</param>
/// <param name="IsJson">True for the server's JSON type, MariaDB's included.</param>
internal sealed record MySqlField(string Name, NativeType Type, bool IsBinary, bool IsUnsigned, bool IsJson)
{
    private const uint UnsignedFlag = 32;

    /// <summary>Copies what the library says of a column.</summary>
    public static unsafe MySqlField Of(NativeField* field)
    {
        ConstString format;
        var isJson = field->Type == NativeType.Json
            || (MariaDbLibrary.FieldAttribute(&format, field, NativeConstants.FieldFormat) == 0
                && new ReadOnlySpan<byte>(format.Text, (int)format.Length).SequenceEqual("json"u8));
        return new MySqlField(
            System.Text.Encoding.UTF8.GetString(field->Name, (int)field->NameLength),
            field->Type,
            field->Charset == NativeConstants.BinaryCharset,
            (field->Flags & UnsignedFlag) != 0,
            isJson);
    }
}
