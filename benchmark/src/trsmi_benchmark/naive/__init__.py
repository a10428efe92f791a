"""What takes no training: features as they are, averaged in space, or reduced to few axes."""
