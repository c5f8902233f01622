using System.Net;
using System.Net.Sockets;

namespace EsPipeline.Chaos;

/// <summary>Where the keys and the region of S3 come from, and that nothing is waited for that is not needed.</summary>
public sealed class S3AccessTests : IAsyncDisposable
{
    private readonly CountsBucket _bucket = new();
    private readonly EspipeFolder _folder = new();

    // Stands for the machine's own service at 169.254.169.254; it takes a connection and says nothing.
    private readonly TcpListener _machine = new(IPAddress.Loopback, 0);

    [Fact]
    public async Task The_usual_names_of_AWS_are_enough()
    {
        await PrepareAsync();
        _folder.Environment["AWS_ACCESS_KEY_ID"] = _folder.Environment["AWS_SECRET_ACCESS_KEY"] = "test";
        (await RunAsync()).Ended(0);
        Assert.Equal(100, File.ReadLines(_folder.File("out.jsonl")).Count());
        Assert.False(_machine.Pending(), "The machine was asked for a region, though an address is given.");
    }

    [Fact]
    public async Task With_an_address_and_keys_the_machine_is_not_asked_for_a_region()
    {
        await PrepareAsync();
        _folder.Environment["S3_ACCESS_KEY"] = _folder.Environment["S3_SECRET_KEY"] = "test";
        (await RunAsync()).Ended(0);
        Assert.False(_machine.Pending(), "The machine was asked for a region, though an address and keys are given.");
    }

    [Fact]
    public async Task Without_any_key_it_says_so()
    {
        await PrepareAsync();
        _folder.Environment["AWS_EC2_METADATA_DISABLED"] = "true";
        Assert.Contains("hadoop.no_credentials", (await RunAsync()).Ended(1).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_that_does_not_tell_the_region_is_not_waited_for_longer_than_a_check_may_take()
    {
        await PrepareAsync();
        _folder.Environment.Remove("S3_ENDPOINT_URL");
        var started = TimeProvider.System.GetTimestamp();
        Assert.Contains("did not answer within 5 s", (await RunAsync("--mode", "health-check")).Ended(1).Output, StringComparison.Ordinal);
        Assert.True(_machine.Pending(), "The machine was not asked at all: this test shows nothing.");
        Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(30), "The check took much longer than its five seconds.");
    }

    public async ValueTask DisposeAsync()
    {
        await _bucket.DisposeAsync();
        _folder.Dispose();
        _machine.Dispose();
    }

    private async Task PrepareAsync()
    {
        await _bucket.CreateAsync();
        await _bucket.PutPartAsync("job-1", 0, 0, 100, 1);
        await _bucket.FinishAsync("job-1");
        _machine.Start();
        _folder.Environment["HOME"] = _folder.Path;
        _folder.Environment["AWS_REGION"] = _folder.Environment["AWS_DEFAULT_REGION"] = "";
        _folder.Environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = $"http://{_machine.LocalEndpoint}/";
        _folder.Environment["S3_ENDPOINT_URL"] = TestServers.S3.ToString();
        _folder.Environment["S3_BUCKET_NAME"] = _bucket.Name;
    }

    private Task<EspipeResult> RunAsync(params string[] more) => _folder.RunAsync(["--source", "hadoop", "--sink", "jsonl", "--output-file", "out.jsonl", .. more.Length > 0 ? more : ["--mode", "single"]]);
}
