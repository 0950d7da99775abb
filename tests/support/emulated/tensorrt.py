"""Becomes the stand-in for the version in EMULATED_TENSORRT when it is imported."""

import os
import sys

from emulated_machine import GPU
from fake_trt import trt_module

sys.modules[__name__] = trt_module(os.environ["EMULATED_TENSORRT"], GPU)
