"""A section before a run: opening it, and its image and spots as layers."""
