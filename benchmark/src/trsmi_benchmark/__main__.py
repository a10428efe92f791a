"""``python -m trsmi_benchmark``."""

from trsmi_benchmark.cli import main

main()
