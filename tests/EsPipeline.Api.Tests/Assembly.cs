using EsPipeline.Api.Tests;

// One test at a time: they share two cores with the server.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyFixture(typeof(SearchServer))]
[assembly: AssemblyFixture(typeof(OpenSearchServer))]
