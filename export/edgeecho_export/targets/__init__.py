"""Engines built from a bundle's ONNX file, for libraries that do not run the file itself.

builder.py    the interface of builders, and finding one
tensorrt.py   the builders of TensorRT and TensorRT-RTX
library.py    these two as Python packages
network.py    ONNX to an engine's bytes by either of them
layers.py     which precision each convolution got
publish.py    the engines of a bundle's graphs
written.py    engine and sidecar, into the bundle
"""
