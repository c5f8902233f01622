// One test at a time: the fake clock moves when the thread pool is idle.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
