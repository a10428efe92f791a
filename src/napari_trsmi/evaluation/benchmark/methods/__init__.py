"""The methods that this package has itself: TRSMI, baselines, and two from their papers."""
