"""Several sections together, some without a table: TRSMI, naive rows and SpaMosaic."""
