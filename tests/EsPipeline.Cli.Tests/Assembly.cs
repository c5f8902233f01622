// One at a time: each test starts a process or several, on two cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
