namespace EsPipeline.Connectors.Files;

/// <content>Documents with an <c>id</c> of their own that is not their key: the file has one place for the two, so that one is lost, and told.</content>
public abstract partial class FileOutputSink
{
    private long _otherIds;
    private long _otherIdsInSlice;

    /// <summary>The record that was formatted last is such a one.</summary>
    private protected void NoteOtherId() => _otherIdsInSlice++;

    private void EndOtherIds(bool written)
    {
        if (written) _otherIds += _otherIdsInSlice;
        _otherIdsInSlice = 0;
    }

    private void TellOtherIds()
    {
        if (_otherIds > 0) Log.OtherIds(_log, _otherIds, _file.Path);
        _otherIds = 0;
    }
}
