"""A window as it is, kept in a folder: tables, pictures, runs, what was drawn, and the view."""
