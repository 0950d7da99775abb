"""Commands on a model, a video or the machine: `tools/NAME` has most of `edgeecho NAME`."""
