"""What a GPU adds to a benchmark: the parts of a call, and the state of the card meanwhile.

calls.py         calls of the engine alone, divided as `trtexec` divides them
watch.py         a program of NVIDIA's that runs beside the measurement, and what it said
reading.py       what one line of it says
nvidia_smi.py    a line of nvidia-smi
tegrastats.py    a line of tegrastats, on a Jetson
tables.py        both as tables, for the text and the page
"""
