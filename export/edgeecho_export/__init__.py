"""Export: a checkpoint becomes a verified model bundle, a bundle's ONNX file a built engine.

cli.py, build_cli.py  the commands `edgeecho export` and `edgeecho build`
pipeline.py           checkpoint to bundle, complete or not at all
checkpoint.py         the four kinds of checkpoint
recipes/              how each precision is made and checked
checks/               drift, range and Q/DQ checks
graph.py              what all our ONNX files have in common
ranges.py             value range of every tensor
quantize.py           FP32 ONNX to INT8
shared/               the graph for overlapping clips
reference_clips.py    which clips drift is measured on
inspection.py         checkpoints for `edgeecho inspect`
targets/              engines built from ONNX files
"""
