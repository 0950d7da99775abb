"""What a command does to a model, a video or a machine: `tools/NAME` is behind `edgeecho NAME`."""
