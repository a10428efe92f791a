"""From an embedding to domains, and how many there are."""
