"""How cost grows with hosts and with history, in simulated time: ``python -m benchmarks.growth``."""
