"""Who trains what in the training benchmarks: workloads, ganbench, a plain loop, peers, and the floor."""
