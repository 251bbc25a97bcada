"""The benchmarks: Parley beside a proxy that stores nothing, on the same stub platform."""
