"""Shadows the real package."""
