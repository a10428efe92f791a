"""Where scanpy, squidpy and muon look for what a run found, and how it is put there."""
