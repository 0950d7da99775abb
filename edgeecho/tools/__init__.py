"""Commands on a model, a video or the machine: `tools/NAME` implements `edgeecho NAME`."""
