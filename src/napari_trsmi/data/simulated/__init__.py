"""Made-up tissue with known domains."""
