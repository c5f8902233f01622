using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.MySql;

/// <summary><c>enum mysql_option</c>, what is used of it.</summary>
internal enum ConnectOption
{
    ConnectTimeout = 0,
    CharsetName = 7,
    LocalInfile = 8,
    Protocol = 9,
    ReadTimeout = 11,
    WriteTimeout = 12,
    Reconnect = 20,
    VerifyServerCertificate = 21,
    CertificateAuthority = 27,
    AddConnectAttribute = 33,
    EnforceTls = 38,
    MaxAllowedPacket = 39,
    TlsVersion = 41,
    RestrictedAuthentication = 7026,
}

/// <summary><c>enum enum_field_types</c>: how a column's values come.</summary>
internal enum NativeType
{
    Decimal = 0,
    Tiny = 1,
    Short = 2,
    Long = 3,
    Float = 4,
    Double = 5,
    Null = 6,
    Timestamp = 7,
    LongLong = 8,
    Int24 = 9,
    Date = 10,
    Time = 11,
    DateTime = 12,
    Year = 13,
    NewDate = 14,
    VarChar = 15,
    Bit = 16,
    Json = 245,
    NewDecimal = 246,
    Enum = 247,
    Set = 248,
    TinyBlob = 249,
    MediumBlob = 250,
    LongBlob = 251,
    Blob = 252,
    VarString = 253,
    String = 254,
    Geometry = 255,
}

/// <summary><c>enum enum_indicator_type</c>: what a parameter of an array is where it is no value.</summary>
internal enum Indicator : sbyte
{
    None = 0,
    Null = 1,
    Default = 2,
}

/// <summary>Numbers of the client's header.</summary>
internal static class NativeConstants
{
    /// <summary><c>MYSQL_PROTOCOL_TCP</c>: the library would use a Unix socket for the host <c>localhost</c>.</summary>
    public const uint ProtocolTcp = 1;

    /// <summary><c>MYSQL_PROTOCOL_SOCKET</c>.</summary>
    public const uint ProtocolSocket = 2;

    /// <summary><c>STMT_ATTR_ARRAY_SIZE</c>: rows bound at once; MariaDB servers only.</summary>
    public const int ArraySize = 201;

    /// <summary><c>MARIADB_FIELD_ATTR_FORMAT_NAME</c>: <c>json</c> for a column of MariaDB's JSON type.</summary>
    public const int FieldFormat = 1;

    /// <summary>The number of the collation <c>binary</c>: its columns hold bytes, not text.</summary>
    public const uint BinaryCharset = 63;
}

/// <summary><c>MYSQL_FIELD</c>: a column of a result.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeField
{
    public byte* Name;
    public byte* OriginalName;
    public byte* Table;
    public byte* OriginalTable;
    public byte* Database;
    public byte* Catalog;
    public byte* Default;
    public CULong Length;
    public CULong MaxLength;
    public uint NameLength;
    public uint OriginalNameLength;
    public uint TableLength;
    public uint OriginalTableLength;
    public uint DatabaseLength;
    public uint CatalogLength;
    public uint DefaultLength;
    public uint Flags;
    public uint Decimals;
    public uint Charset;
    public NativeType Type;
    public nint Extension;
}

/// <summary><c>MYSQL_BIND</c>: a parameter, here always an array of pointers with an array of lengths and one of indicators.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeBind
{
    public CULong* Length;
    public sbyte* IsNull;
    public void* Buffer;
    public sbyte* Error;
    public Indicator* Indicator;
    public nint StoreFunction;
    public nint FetchFunction;
    public nint SkipFunction;
    public CULong BufferLength;
    public CULong Offset;
    public CULong LengthValue;
    public uint Flags;
    public uint PackLength;
    public NativeType BufferType;
    public sbyte ErrorValue;
    public sbyte IsUnsigned;
    public sbyte LongDataUsed;
    public sbyte IsNullValue;
    public nint Extension;
}

/// <summary><c>MARIADB_CONST_STRING</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ConstString
{
    public byte* Text;
    public nuint Length;
}
