"""Domains as layers, and what a user makes of them."""
