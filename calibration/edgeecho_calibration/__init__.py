"""Calibration stage: a data set's train split in, a calibration set out."""
