"""The published evaluation: methods x data sets x seeds, into a store and a report."""
