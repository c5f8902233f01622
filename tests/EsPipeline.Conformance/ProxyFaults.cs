namespace EsPipeline.Conformance;

/// <summary>Faults that were ordered and have not met their traffic yet. Safe for many threads.</summary>
internal sealed class ProxyFaults
{
    private readonly Lock _lock = new();
    private readonly Queue<long> _cutsToServer = new();
    private readonly Queue<long> _cutsToClient = new();
    private readonly Queue<ReadOnlyMemory<byte>> _answers = new();
    private readonly Queue<byte[]> _lostAnswers = new();

    public void ArmCut(Direction direction, long bytes)
    {
        lock (_lock) CutsOf(direction).Enqueue(bytes);
    }

    public void ArmLostAnswer(byte[] holds)
    {
        lock (_lock) _lostAnswers.Enqueue(holds);
    }

    public void ArmAnswer(ReadOnlyMemory<byte> answer)
    {
        lock (_lock) _answers.Enqueue(answer);
    }

    /// <summary>Takes the next ordered cut for a connection about to carry data.</summary>
    /// <returns>After how many bytes; null where none is ordered.</returns>
    public long? TakeCut(Direction direction)
    {
        lock (_lock) return CutsOf(direction).TryDequeue(out var bytes) ? bytes : null;
    }

    /// <summary>True, once for each order, for the connection whose request is about to pass, where that holds what was said.</summary>
    public bool TakeLostAnswer(ReadOnlySpan<byte> request)
    {
        lock (_lock)
        {
            if (!_lostAnswers.TryPeek(out var holds) || request.IndexOf(holds) < 0) return false;
            _lostAnswers.Dequeue();
            return true;
        }
    }

    /// <summary>The answer to give to a request instead of passing it on; null for none.</summary>
    public ReadOnlyMemory<byte>? TakeAnswer()
    {
        // A bare null would become an empty answer.
        lock (_lock) return _answers.TryDequeue(out var answer) ? answer : default(ReadOnlyMemory<byte>?);
    }

    private Queue<long> CutsOf(Direction direction) => direction == Direction.ToServer ? _cutsToServer : _cutsToClient;
}
