using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Where the parts of one hit stand in an answer.</summary>
internal struct Hit
{
    /// <summary>The whole hit.</summary>
    public Range Whole;

    /// <summary>The content of <c>_id</c>; empty where there is none.</summary>
    public Range Id;

    /// <summary>True where <see cref="Id"/> holds escapes.</summary>
    public bool IdIsEscaped;

    /// <summary>The content of <c>_routing</c>; empty where there is none.</summary>
    public Range Routing;

    /// <summary>True where <see cref="Routing"/> holds escapes.</summary>
    public bool RoutingIsEscaped;

    /// <summary>The document; empty where there is none.</summary>
    public Range Source;

    /// <summary>The first sort value; null where there is none, or where it is no whole number.</summary>
    public long? Sort;
}

/// <summary>
/// Reads an answer's JSON from front to back, in one pass, keeping only places: nothing is copied and nothing made. Whatever it does not
/// look for it passes over.
/// </summary>
/// <param name="array">The answer, with <see cref="JsonSpan.Padding"/> bytes behind it.</param>
/// <param name="length">The answer's length.</param>
internal ref struct HitScanner(byte[] array, int length)
{
    private readonly byte[] _array = array;
    private readonly ReadOnlySpan<byte> _text = array.AsSpan(0, length);

    /// <summary>Where the scanner stands.</summary>
    public int At { get; private set; }

    /// <summary>Goes to a place.</summary>
    public void MoveTo(int at) => At = at;

    /// <summary>Enters the object or array that begins here.</summary>
    /// <exception cref="FormatException">None does.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter(byte bracket)
    {
        SkipBlanks();
        if (Here != bracket) throw Unexpected();
        At++;
    }

    /// <summary>Goes to the value of the next member of the object that it is in.</summary>
    /// <returns>False at the object's end, which is then passed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool NextMember(out ReadOnlySpan<byte> name)
    {
        name = default;
        if (AtEnd((byte)'}')) return false;
        if (Here != (byte)'"') throw Unexpected();
        var end = JsonSpan.EndOfString(_text, At + 1, out _);
        if (end < 0) throw Unexpected();
        name = _text[(At + 1)..end];
        At = end + 1;
        SkipBlanks();
        if (Here != (byte)':') throw Unexpected();
        At++;
        SkipBlanks();
        return true;
    }

    /// <summary>True where another item of the array that it is in follows, at which it then stands; at its end that is passed.</summary>
    public bool NextItem() => !AtEnd((byte)']');

    /// <summary>Passes the value that begins here.</summary>
    public Range SkipValue()
    {
        var start = At;
        switch (Here)
        {
            case (byte)'"':
                At = JsonSpan.EndOfString(_text, At + 1, out _) + 1;
                break;
            case (byte)'{' or (byte)'[':
                At = JsonSpan.EndOfContainer(_array, _text.Length, At);
                break;
            default:
                do At++;
                while (At < _text.Length && _text[At] is not ((byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'));
                break;
        }

        if (At <= 0)
        {
            At = _text.Length;
            throw Unexpected();
        }

        return start..At;
    }

    /// <summary>The content of the string that begins here, which is passed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Range ReadString(out bool escaped)
    {
        if (Here != (byte)'"') throw Unexpected();
        var start = At + 1;
        var end = JsonSpan.EndOfString(_text, start, out escaped);
        if (end < 0) throw Unexpected();
        At = end + 1;
        return start..end;
    }

    /// <summary>Reads the hit that begins here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public Hit ReadHit()
    {
        var hit = default(Hit);
        var start = At;
        Enter((byte)'{');
        while (NextMember(out var name))
        {
            if (name.SequenceEqual("_source"u8)) hit.Source = SkipDocument();
            else if (name.SequenceEqual("_id"u8)) hit.Id = ReadString(out hit.IdIsEscaped);
            else if (name.SequenceEqual("sort"u8)) hit.Sort = ReadSort();
            else if (name.SequenceEqual("_routing"u8)) hit.Routing = ReadString(out hit.RoutingIsEscaped);
            else SkipValue();
        }

        hit.Whole = start..At;
        return hit;
    }

    // What follows a document at once shows that it is strict JSON, or that it is no document whatever it holds.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Range SkipDocument()
    {
        var end = Here == (byte)'{' ? JsonSpan.EndOfContainer(_array, _text.Length, At) : -1;
        if (end < 0 || end == _text.Length || _text[end] is not ((byte)',' or (byte)'}'))
        {
            LooseJson.Tighten(_array.AsSpan(0, _text.Length), At);
            SkipBlanks();
            end = Here == (byte)'{' ? JsonSpan.EndOfContainer(_array, _text.Length, At) : -1;
            if (end < 0) throw Unexpected();
        }

        var start = At;
        At = end;
        return start..end;
    }

    private readonly byte Here => At < _text.Length ? _text[At] : (byte)0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long? ReadSort()
    {
        var values = SkipValue();
        return Utf8Parser.TryParse(_text[(values.Start.Value + 1)..values.End.Value], out long first, out _) ? first : null;
    }

    // A comma is passed along with blanks: where it may stand is not checked, only that all that is looked for is there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool AtEnd(byte bracket)
    {
        SkipBlanks();
        if (Here == (byte)',')
        {
            At++;
            SkipBlanks();
        }

        if (Here != bracket) return false;
        At++;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipBlanks()
    {
        while (Here is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') At++;
    }

    private readonly FormatException Unexpected() => new(At >= _text.Length ? "it ends too early" : $"something else than expected stands at byte {At}");
}
