"""The Landmarks dock: a picture laid onto spots by pairs of places."""
