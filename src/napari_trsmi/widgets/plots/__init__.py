"""The Plots dock: plots and tables of a run, to look at and to save."""
