"""Becomes the stand-in when it is imported."""

import sys

from emulated_machine import GPU
from fake_cuda import cuda_module

sys.modules[__name__] = cuda_module(GPU)
