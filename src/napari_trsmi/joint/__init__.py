"""Several sections together: shared axes, without what differs between runs, gaps predicted."""
