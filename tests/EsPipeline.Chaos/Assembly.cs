// One at a time: they share two cores with the servers.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
