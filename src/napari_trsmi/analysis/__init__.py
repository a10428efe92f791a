"""Domains scored, compared and explained."""
