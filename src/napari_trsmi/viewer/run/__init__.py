"""A run from the layers that are open: its inputs, and its work."""
