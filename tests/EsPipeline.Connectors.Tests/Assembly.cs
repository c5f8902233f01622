// One test at a time: they share two cores with the servers, and the memory checks look at the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
