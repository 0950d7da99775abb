"""How long an answer takes on this machine: cold start, stages, percentiles.

This module imports nothing, and must not: the cold start's process imports it first, and what
it drags in would be missing from the import time that is measured.
"""
