"""Training stage: an EchoNet-format data set in, a checkpoint out."""
