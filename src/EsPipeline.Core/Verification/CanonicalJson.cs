using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>
/// What a document says, whatever way it is written: an object's members sorted by name, texts without escapes, numbers by their exact value
/// (<c>1.0</c> is <c>1</c>, <c>9007199254740993</c> is not <c>9007199254740992</c>). Two documents have the same canonical bytes only if they
/// say the same. Not thread-safe; keeps its memory for the next document.
/// </summary>
/// <param name="fractionsAreDoubles">As <see cref="Sinks.ReadBackPlace.FractionsAreDoubles"/>.</param>
internal sealed class CanonicalJson(bool fractionsAreDoubles)
{
    private readonly ByteBuffer _output = new();
    private readonly List<Member> _members = [];
    private byte[] _sorted = [];

    /// <summary>128 bits of the SHA-256 of what a document says.</summary>
    /// <param name="json">One JSON object.</param>
    /// <param name="fields">The members of the document that count, null among them not; null for all of it.</param>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public UInt128 Hash(ReadOnlySpan<byte> json, HashSet<byte[]>? fields)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Bytes(json, fields), hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }

    /// <summary>The canonical bytes of a value; valid until the next call.</summary>
    /// <param name="json">One JSON value.</param>
    /// <param name="fields">As in <see cref="Hash"/>.</param>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public ReadOnlySpan<byte> Bytes(ReadOnlySpan<byte> json, HashSet<byte[]>? fields = null)
    {
        _output.CutTo(0);
        _members.Clear();
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        reader.Read();
        if (fields is not null && reader.TokenType == JsonTokenType.StartObject) Object(ref reader, fields);
        else Value(ref reader);
        return _output.Written;
    }

    private void Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                Object(ref reader, null);
                break;
            case JsonTokenType.StartArray:
                _output.Write("["u8);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray) Value(ref reader);
                _output.Write("]"u8);
                break;
            case JsonTokenType.String:
                Text(ref reader);
                break;
            case JsonTokenType.Number:
                _output.Write("n"u8);
                CanonicalNumber.Write(reader.ValueSpan, _output, fractionsAreDoubles);
                break;
            default:
                _output.Write(reader.TokenType switch { JsonTokenType.True => "t"u8, JsonTokenType.False => "f"u8, _ => "0"u8 });
                break;
        }
    }

    // Members are written as they come, and put in order where they are not.
    private void Object(ref Utf8JsonReader reader, HashSet<byte[]>? fields)
    {
        _output.Write("{"u8);
        var (first, start, sorted) = (_members.Count, _output.Length, true);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var memberStart = _output.Length;
            Text(ref reader);
            var nameEnd = _output.Length;
            reader.Read();
            if (fields is not null && (reader.TokenType == JsonTokenType.Null || !Counts(fields, memberStart, nameEnd)))
            {
                reader.Skip();
                _output.CutTo(memberStart);
                continue;
            }

            Value(ref reader);
            var member = new Member(memberStart, nameEnd, _output.Length);
            sorted &= _members.Count == first || Compare(_members[^1], member) <= 0;
            _members.Add(member);
        }

        if (!sorted) Sort(first, start);
        _members.RemoveRange(first, _members.Count - first);
        _output.Write("}"u8);
    }

    private bool Counts(HashSet<byte[]> fields, int nameStart, int nameEnd) =>
        fields.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(_output.Written[(nameStart + TextHead)..nameEnd]);

    private void Sort(int first, int start)
    {
        var members = _members.GetRange(first, _members.Count - first);

        // Members of the same name stay in their order.
        var ordered = members.Order(Comparer<Member>.Create((a, b) => Compare(a, b) is var c and not 0 ? c : a.Start.CompareTo(b.Start)));
        var length = _output.Length - start;
        if (_sorted.Length < length) _sorted = new byte[Math.Max(length, 2 * _sorted.Length)];
        var used = 0;
        foreach (var member in ordered)
        {
            var bytes = _output.Written[member.Start..member.End];
            bytes.CopyTo(_sorted.AsSpan(used));
            used += bytes.Length;
        }

        _output.CutTo(start);
        _output.Write(_sorted.AsSpan(0, used));
    }

    private int Compare(Member a, Member b) =>
        _output.Written[(a.Start + TextHead)..a.NameEnd].SequenceCompareTo(_output.Written[(b.Start + TextHead)..b.NameEnd]);

    private const int TextHead = 1 + sizeof(int);

    // A text that holds half a surrogate pair has no characters to compare: its bytes count as they are.
    private void Text(ref Utf8JsonReader reader)
    {
        var raw = reader.ValueSpan;
        var span = _output.GetSpan(TextHead + raw.Length);
        var (kind, length) = ((byte)'s', raw.Length);
        if (!reader.ValueIsEscaped)
        {
            raw.CopyTo(span[TextHead..]);
        }
        else
        {
            try
            {
                length = reader.CopyString(span[TextHead..]);
            }
            catch (InvalidOperationException)
            {
                raw.CopyTo(span[TextHead..]);
                kind = (byte)'h';
            }
        }

        span[0] = kind;
        BinaryPrimitives.WriteInt32LittleEndian(span[1..], length);
        _output.Advance(TextHead + length);
    }

    // Where a member's name and the whole of it lie in the output.
    private readonly record struct Member(int Start, int NameEnd, int End);
}
