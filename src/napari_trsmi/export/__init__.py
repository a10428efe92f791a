"""Results for other programs, and the script that repeats them."""
