"""The feature matrices of tables that are not read whole: one chunk of rows after the other."""
