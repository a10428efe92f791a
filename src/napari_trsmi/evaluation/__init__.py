"""How well domains agree with known labels."""
