"""Training stage: from an EchoNet-format data set to a checkpoint."""
