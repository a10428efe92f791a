"""The data sets of the evaluation."""
