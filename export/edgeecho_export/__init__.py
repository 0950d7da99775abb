"""Export stage: a checkpoint in, a model bundle out."""
