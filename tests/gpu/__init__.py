"""CUDA kernels on the processor: what lets them be tested where no device is."""
