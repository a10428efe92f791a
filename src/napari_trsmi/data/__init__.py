"""Tables in, one container of matched spots out."""
