"""Helpers that every package uses and that know nothing of hearts: errors, files, console, CPU."""
