"""The parts of `benchmarks/gpu.py`: what is timed on one GPU, the clocks, the contenders and the table."""
