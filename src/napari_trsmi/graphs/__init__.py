"""Neighbour graphs, their normalisation, and products with sparse matrices."""
