"""The Public data dock."""
