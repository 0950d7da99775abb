"""The one GPU of a process that has this folder on its path."""

from fake_cuda import FakeGPU

GPU = FakeGPU()
