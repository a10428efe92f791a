"""Spots by where they lie: their distance, order, cells, and the boundaries between them."""
