using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Tests.Errors;

public sealed class PipelineExceptionTests
{
    [Theory]
    [InlineData("Connection refused", "Connection refused.")]
    [InlineData("The index is missing.", "The index is missing.")]
    [InlineData("unknown query [rage] did you mean [range]?.", "unknown query [rage] did you mean [range]?")]
    [InlineData("It says: no such file..", "It says: no such file.")]
    [InlineData("It waits...", "It waits...")]
    [InlineData("An end of a line\n", "An end of a line.")]
    public void A_message_is_one_sentence_whatever_words_of_a_server_it_ends_in(string message, string shown) =>
        Assert.Equal(shown, new PipelineException(new ErrorCode("test.code", FailureKind.Permanent, "Meaning.", "Remedy."), message).Message);
}
