"""Commands on a model, a video or the machine: most of what `edgeecho NAME` does is in `tools/NAME`."""
