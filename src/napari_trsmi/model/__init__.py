"""The network of TRSMI, one idea a file."""
