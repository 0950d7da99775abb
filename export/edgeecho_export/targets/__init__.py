"""Engines built of a bundle's ONNX file, for back ends that do not run the file itself.

builder.py    what every builder offers; its descriptor names it
tensorrt.py   the builders of TensorRT and TensorRT-RTX
network.py    ONNX to an engine's bytes by either of them
layers.py     what they made of the convolutions
publish.py    the engine and its sidecar, into the bundle
"""
