"""Spots by the hundred thousand, drawn as one picture."""
