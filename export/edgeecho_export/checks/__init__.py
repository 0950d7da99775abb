"""Checks that a converted file must pass before it goes into a bundle."""
