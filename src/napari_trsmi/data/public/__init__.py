"""Public data sets, downloaded on request."""
