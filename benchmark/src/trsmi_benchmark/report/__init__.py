"""The report of the rows."""
