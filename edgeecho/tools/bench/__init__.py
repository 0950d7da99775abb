"""Benchmark: how long an answer takes on this machine; cold start, stages, percentiles.

This module must not import anything: the cold-start process imports it first, and its imports would
be missing from the measured import time.
"""
