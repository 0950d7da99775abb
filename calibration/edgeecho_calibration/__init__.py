"""Calibration stage: INT8 calibration sets, layer sensitivity, intervals and gates."""
