"""The machine: device and precision, threads, memory, signals, processes."""
