"""What the docks have in common."""
