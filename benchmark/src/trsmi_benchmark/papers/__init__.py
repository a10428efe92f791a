"""Two methods from their papers, as no package of them can be had: own code."""
