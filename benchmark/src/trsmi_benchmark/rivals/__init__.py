"""Adapters of other people's packages, with their own defaults."""
