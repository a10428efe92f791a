"""The evaluation of napari-trsmi: methods on data sets over seeds, rows of results, a report."""
