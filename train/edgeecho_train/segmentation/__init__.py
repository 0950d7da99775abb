"""Training for masks of the left ventricle, from the two traced frames of each video.

frames.py    the traced frames and their masks, in memory
network.py   torchvision's networks with one output
task.py      what the training loop has to know
"""
