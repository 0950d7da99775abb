"""The segmentation of a bundle: its checkpoint, its ONNX files, and their checks.

checkpoint.py  reading it, and whether it is given the same frames as the EF network
released.py    EchoNet-Dynamic's, and how far its masks move with mean and std
graph.py       PyTorch to ONNX in FP32
parity.py      its masks on every engine, held to PyTorch's
work.py        what its precisions share; each is made by its recipe, as the EF network's is
add.py         all of it, for the precisions of the bundle
"""
