"""Results as files: for the next session, for other programs, and on paper."""
